//! Capabilities of processes and of programs (capabilities(7)).

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

/// A capability of Linux 6.12 (`include/uapi/linux/capability.h`), known by its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(u8);

/// A name that is no capability.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{name}` is not a capability: names are those of capabilities(7), like `net_bind_service`")]
pub struct UnknownCapability {
    name: String,
}

impl Capability {
    /// Names as in capabilities(7), in lower case and without `cap_`, in the order of their numbers.
    pub const NAMES: &[&'static str] = &[
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

    /// Its number: which bit of a set it is.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its name in lower case, without `cap_`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self.0 as usize]
    }
}

/// In either case, with or without `CAP_`.
impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(text: &str) -> Result<Self, UnknownCapability> {
        let lower = text.to_ascii_lowercase();
        let plain = lower.strip_prefix("cap_").unwrap_or(&lower);
        let number = Self::NAMES.iter().position(|known| *known == plain).and_then(|number| u8::try_from(number).ok());
        number.map(Self).ok_or_else(|| UnknownCapability { name: text.to_owned() })
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        for text in ["net_raw", "NET_RAW", "CAP_NET_RAW", "cap_net_raw"] {
            let capability: Capability = text.parse().expect("a capability");
            assert_eq!((capability.number(), capability.to_string().as_str()), (13, "net_raw"), "{text}");
        }
        for text in ["", "raw", "cap_", "cap_cap_net_raw", "net-raw"] {
            assert!(text.parse::<Capability>().is_err(), "{text}");
        }
        let last: Capability = "checkpoint_restore".parse().expect("a capability");
        assert_eq!(last.number(), 40);
    }
}
