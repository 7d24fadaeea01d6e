//! Parsers of this room that nothing outside of it may call, for `crate::fuzzed`.

use super::accounts::Accounts;
use super::{BuiltImage, capability, check, state};
use crate::model::Principal;

/// Any bytes as records of the store.
pub(crate) fn record(bytes: &[u8]) {
    let _ = serde_json::from_slice::<BuiltImage>(bytes).map(|image| image.size());
    let _ = state::understood(bytes).map(|state| state.tree.iter().count());
}

/// Any bytes as the cache of the dynamic loader: no entry is longer than the cache.
pub(crate) fn ldcache(bytes: &[u8]) {
    for little_endian in [true, false] {
        let libraries = check::ldcache::read(bytes, little_endian);
        assert!(libraries.values().flatten().all(|path| path.len() < bytes.len()));
    }
}

/// Any bytes as the account files: what was read and written is read as the same.
pub(crate) fn accounts<'a>(mut files: impl Iterator<Item = &'a [u8]>) {
    let files: [Option<Vec<u8>>; 4] = std::array::from_fn(|_| files.next().map(<[u8]>::to_vec));
    let accounts = Accounts::read(files);
    assert_eq!(Accounts::read(accounts.render().map(Some)), accounts);
    let names: Vec<String> = accounts.users().map(str::to_owned).collect();
    for name in names {
        let _ = (accounts.uid(&Principal::Name(name.clone())), accounts.gid(&Principal::Name(name)));
    }
    let _ = accounts.shadow_group();
}

/// Any bytes as the value of an extended attribute.
pub(crate) fn capability(bytes: &[u8]) {
    let once = capability::for_any_namespace(bytes);
    assert_eq!(capability::for_any_namespace(&once), once);
}
