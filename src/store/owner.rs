//! Whose the store is: its content decides what images hold, so nobody else may write to it, and since it holds private
//! sources, nobody else may read it.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::error::{Doing as _, StoreError};

/// Makes the store's folder with mode 0700, or checks the one that is there.
pub(super) fn claim_folder(root: &Path) -> Result<(), StoreError> {
    if let Some(parent) = root.parent() {
        fs_err::create_dir_all(parent).doing("create", parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(root) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        created => created.doing("create", root)?,
    }
    let metadata = fs_err::metadata(root).doing("open", root)?;
    let user = rustix::process::geteuid().as_raw();
    if metadata.uid() != user {
        return Err(StoreError::OtherOwner { path: root.to_owned(), owner: metadata.uid(), user });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    // an empty folder was made by the user for this, with the mode that folders have
    if mode & 0o022 != 0 && holds_entries(root)? {
        return Err(StoreError::OpenToOthers { path: root.to_owned(), mode });
    }
    if mode & 0o077 != 0 {
        fs_err::set_permissions(root, std::fs::Permissions::from_mode(0o700)).doing("protect", root)?;
    }
    Ok(())
}

fn holds_entries(root: &Path) -> Result<bool, StoreError> {
    Ok(fs_err::read_dir(root).doing("list", root)?.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("own folder");
    }

    fn mode(path: &Path) -> u32 {
        fs_err::metadata(path).expect("there").permissions().mode() & 0o7777
    }

    #[test]
    fn a_store_is_for_its_user_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("deep/store");
        drop(Store::open(&root).expect("a store"));
        assert_eq!(mode(&root), 0o700);
        chmod(&root, 0o755); // as earlier versions made it
        drop(Store::open(&root).expect("a store"));
        assert_eq!(mode(&root), 0o700);
    }

    #[test]
    fn a_store_that_others_may_have_written_to_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("store");
        fs_err::create_dir(&root).expect("made");
        chmod(&root, 0o777);
        drop(Store::open(&root).expect("an empty folder is nobody's yet"));
        chmod(&root, 0o770);
        let error = Store::open(&root).expect_err("others may write");
        assert!(matches!(error, StoreError::OpenToOthers { mode: 0o770, .. }), "{error}");
        assert!(error.help().is_some_and(|help| help.contains("cache verify")));
    }
}
