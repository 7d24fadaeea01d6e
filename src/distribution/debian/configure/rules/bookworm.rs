//! Packages of Debian 12 whose scripts do something else than those of Debian 13. What those of both do alike is said
//! once, in the table of Debian 13, under the fingerprints of both.

use super::super::effect::Effect::{Alike, Always, Answer, Call, Copy, Empty, Link, Templates};
use super::super::system::{Diversion, System};
use super::super::tree::at;
use super::super::{ConfigureError, accounts};
use super::base::SKELETON;
use super::{Rule, WithoutEffect};

/// In the order in which the effects happen.
pub(super) const RULES: &[Rule] = &[
    Rule {
        package: "base-passwd",
        checked: &["3.6.1"],
        compared: "minbase",
        scripts: &[("preinst", &["daea9229aa4d"]), ("postinst", &["8f6dd1f70cd5"])],
        effects: &[
            Call("`/etc/passwd` and `/etc/group` from the master copies", |system| {
                accounts::copy_masters(&mut system.root)
            }),
            Templates("postinst"),
        ],
    },
    // the mark of an upgrade that its preinst sets is taken back by its postinst
    Rule {
        package: "libc6",
        checked: &["2.36-9+deb12u14"],
        compared: "minbase",
        scripts: &[("preinst", &["497f68eee92b", "a4fdb41f8435"]), ("postinst", &["57ccc4c76f66"])],
        effects: &[Templates("preinst"), Templates("postinst")],
    },
    Rule {
        package: "base-files",
        checked: &["12.4+deb12u15"],
        compared: "minbase",
        scripts: &[("postinst", &["97ab8c7a8907"])],
        effects: &[Alike(SKELETON)],
    },
    Rule {
        package: "dash",
        checked: &["0.5.12-2"],
        compared: "minbase",
        scripts: &[("postinst", &["c8a51d3c13fe"])],
        effects: &[Always("diverts `/bin/sh` to itself", divert_shell)],
    },
    Rule {
        package: "debianutils",
        checked: &["5.7-0.5~deb12u1"],
        compared: "minbase",
        scripts: &[("postinst", &["3d629fba5cd1"])],
        effects: &[Copy("/usr/share/debianutils/shells", "/etc/shells")],
    },
    Rule {
        package: "dpkg",
        checked: &["1.21.23"],
        compared: "minbase",
        scripts: &[("postinst", &["3a13ed703cdb"])],
        effects: &[],
    },
    Rule {
        package: "libpam-modules",
        checked: &["1.5.2-6+deb12u2"],
        compared: "minbase",
        scripts: &[("preinst", &["634dd254a143"]), ("postinst", &["8c2a01ac5459"])],
        effects: &[Templates("preinst"), Empty("/etc/security/opasswd", 0o600), Empty("/etc/environment", 0o644)],
    },
    Rule {
        package: "login",
        checked: &["1:4.13+dfsg1-1+deb12u2"],
        compared: "minbase",
        scripts: &[("postinst", &["471f516f0c91"])],
        effects: &[Empty("/var/log/faillog", 0o644), Empty("/etc/subuid", 0o644), Empty("/etc/subgid", 0o644)],
    },
    Rule {
        package: "tzdata",
        checked: &["2026f-0+deb12u1"],
        compared: "minbase",
        scripts: &[("postinst", &["143680552150"])],
        effects: &[
            Link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC"),
            Call("`/etc/timezone`", |system| {
                system.root.write(&at("/etc/timezone")?, 0o644, (0, 0), "Etc/UTC\n");
                Ok(())
            }),
            Templates("postinst"),
            Answer("tzdata/Areas", "Etc", true),
            Answer("tzdata/Zones/Etc", "UTC", true),
        ],
    },
];

/// Scripts whose own lines do nothing on a first installation. See [`WithoutEffect`].
pub(super) const WITHOUT_EFFECT: &[WithoutEffect] = &[
    // a link that is there already where `/bin` is `/usr/bin`
    ("coreutils", "9.1-1", "postinst", "6c15af81a0da", "minbase"),
    // of an initial RAM disk
    ("e2fsprogs", "1.47.0-2+b2", "postinst", "b54120ebf71c", "minbase"),
    ("e2fsprogs", "1.47.0-2+b2", "preinst", "a93589182a14", "minbase"),
    ("libgcrypt20", "1.10.1-3+deb12u1", "postinst", "9792e61c505e", "minbase"),
    // top folders for other word sizes that no package owns, which are not made in the first place
    ("usr-is-merged", "37~deb12u1", "postinst", "5ba88149a6be", "minbase"),
    ("usr-is-merged", "37~deb12u1", "preinst", "ffac062ea3e5", "minbase"),
    ("util-linux", "2.38.1-5+deb12u3", "postinst", "078c04b700bd", "minbase"),
];

/// The name of the standard shell and its manual are kept for dash, which ships both: what others bring would be moved
/// aside.
fn divert_shell(system: &mut System<'_>) -> Result<(), ConfigureError> {
    system.divert(Diversion::new("/bin/sh", "/bin/sh.distrib", "dash"));
    if system.root.is_dir(&at("/usr/share/man/man1")?) {
        let manual = "/usr/share/man/man1/sh";
        system.divert(Diversion::new(format!("{manual}.1.gz"), format!("{manual}.distrib.1.gz"), "dash"));
    }
    Ok(())
}
