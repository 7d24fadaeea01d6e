//! What maintainer scripts find when they run in the sandbox.

use std::collections::BTreeMap;

use crate::model::EPOCH;

/// Files that are there while scripts run, by path. `invoke-rc.d` asks the program `policy-rc.d` before it starts a
/// service; 101 forbids it (`/usr/share/doc/init-system-helpers/README.policy-rc.d.gz`).
pub(super) const GUARDS: &[(&str, &str)] = &[("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")];

pub(super) fn variables() -> BTreeMap<String, String> {
    let pairs = [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/root"),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("DEBCONF_NOWARNINGS", "yes"),
        ("DPKG_COLORS", "never"),
        // the hash seed of Perl, which orders what some scripts write
        ("PERL_HASH_SEED", "0"),
        ("PYTHONHASHSEED", "0"),
    ];
    let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    pairs.chain([("SOURCE_DATE_EPOCH".to_owned(), EPOCH.seconds().to_string())]).collect()
}
