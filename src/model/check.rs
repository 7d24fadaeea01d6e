//! Checks that an image can be excused from.

use std::fmt;

use serde::{Serialize, Serializer};

/// What `waive` can name: a check of a finished image (`docs/checks.md`), of its packages' maintainer scripts, or of the
/// project's policy. Ordered by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "docs/checks.md and the policy's nodes say what each of them checks")]
pub enum Check {
    Certificates,
    ElfNeeded,
    Entrypoint,
    Healthcheck,
    Interpreter,
    Locale,
    Machine,
    MaintainerScript,
    PolicyArchive,
    PolicyHealthcheck,
    PolicySize,
    PolicyUser,
    Setuid,
    User,
    WorldWritable,
}

impl Check {
    /// All of them with their names.
    pub const NAMES: &[(&'static str, Self)] = &[
        ("certificates", Self::Certificates),
        ("elf-needed", Self::ElfNeeded),
        ("entrypoint", Self::Entrypoint),
        ("healthcheck", Self::Healthcheck),
        ("interpreter", Self::Interpreter),
        ("locale", Self::Locale),
        ("machine", Self::Machine),
        ("maintainer-script", Self::MaintainerScript),
        ("policy-archive", Self::PolicyArchive),
        ("policy-healthcheck", Self::PolicyHealthcheck),
        ("policy-size", Self::PolicySize),
        ("policy-user", Self::PolicyUser),
        ("setuid", Self::Setuid),
        ("user", Self::User),
        ("world-writable", Self::WorldWritable),
    ];

    /// Its name in recipes and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_its_name() {
        for (name, check) in Check::NAMES {
            assert_eq!(check.name(), *name);
        }
        assert!(Check::NAMES.is_sorted(), "names and checks have one order");
    }
}
