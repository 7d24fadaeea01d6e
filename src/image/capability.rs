//! File capabilities as the kernel stores them (capabilities(7), `struct vfs_cap_data` of linux/capability.h).

use crate::model::Capability;

/// The attribute that holds them.
pub(super) const XATTR: &str = "security.capability";

const REVISION_2: u32 = 0x0200_0000;
const EFFECTIVE: u32 = 1;

/// The value of [`XATTR`] that puts `capabilities` into the permitted set and makes them effective on execution:
/// revision 2, which has no user namespace in it.
pub(super) fn encode(capabilities: &[Capability]) -> Vec<u8> {
    let permitted = capabilities.iter().fold(0_u64, |set, capability| set | 1 << capability.number());
    let mut value = Vec::with_capacity(20);
    value.extend((REVISION_2 | EFFECTIVE).to_le_bytes());
    for half in permitted.to_le_bytes().chunks(4) {
        value.extend(half);
        value.extend(0_u32.to_le_bytes()); // nothing inheritable
    }
    value
}

/// A value without the user namespace that revision 3 notes, as revision 2; others as they are.
pub(super) fn for_any_namespace(value: &[u8]) -> Vec<u8> {
    const REVISION_3: u32 = 0x0300_0000;
    const REVISION: u32 = 0xff00_0000;
    const LENGTH: usize = 20;
    let magic = value.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    match magic.filter(|magic| magic & REVISION == REVISION_3 && value.len() > LENGTH) {
        Some(magic) => [&(magic & !REVISION | REVISION_2).to_le_bytes()[..], &value[4..LENGTH]].concat(),
        None => value.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_bits_of_two_words() {
        // what `setcap cap_net_bind_service,cap_bpf+ep` stores
        let value = encode(&["net_bind_service", "bpf"].map(|name| name.parse().expect("it exists")));
        assert_eq!(value, [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_namespace_of_a_capability_is_forgotten() {
        let plain = encode(&["net_raw".parse().expect("it exists")]);
        let mut noted = plain.clone();
        noted[3] = 3;
        noted.extend(1000_u32.to_le_bytes());
        assert_eq!(for_any_namespace(&noted), plain);
        assert_eq!(for_any_namespace(&plain), plain);
    }
}
