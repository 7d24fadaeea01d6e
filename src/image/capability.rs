//! File capabilities as the kernel stores them (capabilities(7), `struct vfs_cap_data` of linux/capability.h).

use thiserror::Error;

/// The attribute that holds them.
pub(super) const XATTR: &str = "security.capability";

const REVISION_2: u32 = 0x0200_0000;
const EFFECTIVE: u32 = 1;

/// Names as in capabilities(7), in the order of their numbers.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// A name that is no capability.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "`{name}` is not a capability: use a name of capabilities(7) in lower case without `cap_`, like `net_bind_service`"
)]
pub struct UnknownCapability {
    name: String,
}

/// The value of [`XATTR`] that puts `names` into the permitted set and makes them effective on execution: revision 2,
/// which has no user namespace in it.
///
/// # Errors
/// When a name is no capability.
pub(super) fn encode(names: &[String]) -> Result<Vec<u8>, UnknownCapability> {
    let mut permitted = 0_u64;
    for name in names {
        let number = NAMES.iter().position(|known| known == name);
        permitted |= 1 << number.ok_or_else(|| UnknownCapability { name: name.clone() })?;
    }
    let mut value = Vec::with_capacity(20);
    value.extend((REVISION_2 | EFFECTIVE).to_le_bytes());
    for half in permitted.to_le_bytes().chunks(4) {
        value.extend(half);
        value.extend(0_u32.to_le_bytes()); // nothing inheritable
    }
    Ok(value)
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
        let value = encode(&["net_bind_service".into(), "bpf".into()]).expect("both exist");
        assert_eq!(value, [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_namespace_of_a_capability_is_forgotten() {
        let plain = encode(&["net_raw".into()]).expect("it exists");
        let mut noted = plain.clone();
        noted[3] = 3;
        noted.extend(1000_u32.to_le_bytes());
        assert_eq!(for_any_namespace(&noted), plain);
        assert_eq!(for_any_namespace(&plain), plain);
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let error = encode(&["CAP_CHOWN".into()]).expect_err("upper case");
        assert!(error.to_string().contains("`CAP_CHOWN`"), "{error}");
    }
}
