//! Packages of services and tools on top of the base system of Debian 13. Their effects happen after those of the base, in
//! the order in which dpkg configures the packages.

use super::super::effect::Effect::{Always, Answer, Call, HereDocument, LeaveOut, Run, Templates};
use super::super::system::System;
use super::super::tree::at;
use super::super::{ConfigureError, PackageState, accounts, locales};
use super::{Rule, WithoutEffect};

/// One for each package.
pub(super) const RULES: &[Rule] = &[
    Rule {
        package: "passwd",
        checked: &["1:4.17.4-2", "1:4.13+dfsg1-1+deb12u2"],
        compared: "minbase",
        scripts: &[("postinst", &["5c3753319860"])],
        effects: &[Call("`/etc/shadow` and `/etc/gshadow`, as `shadowconfig on`", |system| {
            accounts::shadow(&mut system.root, system.moment.seconds())
        })],
    },
    Rule {
        package: "systemd",
        checked: &["257.13-1~deb13u1"],
        compared: "cron",
        scripts: &[("preinst", &["461597740124"]), ("postinst", &["0ce4ea4cef30"])],
        effects: &[
            Run(&[
                "ln -s /usr/lib/systemd/system/getty@.service /etc/systemd/system/getty.target.wants/getty@tty1.service",
                "ln -s /usr/lib/systemd/system/remote-fs.target \
                 /etc/systemd/system/multi-user.target.wants/remote-fs.target",
                "ln -s /usr/lib/systemd/system/systemd-pstore.service \
                 /etc/systemd/system/sysinit.target.wants/systemd-pstore.service",
                // empty: the first start of a machine fills it
                "touch /etc/machine-id",
                "mkdir -p /var/log/journal",
                "mkdir -p /var/lib/systemd/catalog",
            ]),
            LeaveOut("the index of messages' explanations, which systemd-journal-catalog-update.service makes"),
        ],
    },
    Rule {
        package: "udev",
        checked: &["257.13-1~deb13u1"],
        compared: "udev",
        scripts: &[("preinst", &["2e629cee5687"]), ("postinst", &["3dda3587892c"])],
        effects: &[LeaveOut("the index of the hardware database, which systemd-hwdb-update.service makes")],
    },
    Rule {
        package: "haproxy",
        checked: &["3.0.11-1+deb13u5"],
        compared: "haproxy",
        scripts: &[("postinst", &["6b68dae28cec"])],
        effects: &[Run(&["adduser --system --home /var/lib/haproxy --no-create-home --group haproxy"])],
    },
    Rule {
        package: "openssh-client",
        checked: &["1:10.0p1-7+deb13u4"],
        compared: "openssh-client",
        scripts: &[("postinst", &["7684b9db4b72"])],
        effects: &[Run(&[
            "addgroup --system --quiet --force-badname _ssh",
            "chgrp _ssh /usr/bin/ssh-agent",
            "chmod 2755 /usr/bin/ssh-agent",
        ])],
    },
    Rule {
        package: "sudo",
        checked: &["1.9.16p2-3+deb13u5"],
        compared: "sudo",
        scripts: &[("preinst", &["373288eb9275"]), ("postinst", &["51dec77098c7"])],
        effects: &[Run(&["chown root:root /etc/sudoers", "chmod 440 /etc/sudoers"])],
    },
    Rule {
        package: "rsyslog",
        checked: &["8.2504.0-1+deb13u2"],
        compared: "rsyslog",
        scripts: &[("preinst", &["ae3467313b9a"]), ("postinst", &["ce5528c34323"])],
        effects: &[Run(&["chmod 700 /var/spool/rsyslog"])],
    },
    Rule {
        package: "dnsmasq-base",
        checked: &["2.91-1+deb13u2"],
        compared: "dnsmasq",
        scripts: &[("postinst", &["0edb77676c3a"])],
        // its folder in `/run` is made anew whenever a machine starts
        effects: &[Run(&[
            "useradd --system --gid nogroup --comment dnsmasq --home-dir /var/lib/misc --no-create-home --shell \
             /usr/sbin/nologin dnsmasq",
        ])],
    },
    Rule {
        package: "redis-tools",
        checked: &["5:8.0.2-3+deb13u3"],
        compared: "redis-server",
        scripts: &[("postinst", &["2cf06b525ad7"])],
        effects: &[Run(&[
            "adduser --system --home /var/lib/redis --quiet --group redis",
            "install -d -o redis -g adm -m 2750 /var/log/redis",
            "install -d -o redis -g redis -m 750 /var/lib/redis",
            "install -d -o redis -g redis -m 2770 /etc/redis",
        ])],
    },
    Rule {
        package: "redis-server",
        checked: &["5:8.0.2-3+deb13u3"],
        compared: "redis-server",
        scripts: &[("postinst", &["af79b8d233e4"])],
        effects: &[Run(&["dpkg-statoverride --update --add redis redis 640 /etc/redis/redis.conf"])],
    },
    Rule {
        package: "libtirpc3t64",
        checked: &["1.3.6+ds-1"],
        compared: "bind9",
        scripts: &[("preinst", &["d22cb39c7455"])],
        effects: &[Run(&[
            "dpkg-divert --package libtirpc3t64 --no-rename --divert /lib/@multiarch@/libtirpc.so.3.usr-is-merged \
             /lib/@multiarch@/libtirpc.so.3",
            "dpkg-divert --package libtirpc3t64 --no-rename --divert /lib/@multiarch@/libtirpc.so.3.0.0.usr-is-merged \
             /lib/@multiarch@/libtirpc.so.3.0.0",
        ])],
    },
    // nobody answers its question, so nothing gets capabilities
    Rule {
        package: "iproute2",
        checked: &["6.15.0-1"],
        compared: "bind9",
        scripts: &[("postinst", &["eaecd703d31b"])],
        effects: &[Templates("postinst"), Answer("iproute2/setcaps", "false", false)],
    },
    Rule {
        package: "ucf",
        checked: &["3.0052"],
        compared: "chrony",
        scripts: &[("preinst", &["a59ceea07890"]), ("postinst", &["0a8c756d766c"])],
        effects: &[Run(&["touch /var/lib/ucf/hashfile", "touch /var/lib/ucf/registry"])],
    },
    Rule {
        package: "libwrap0",
        checked: &["7.6.q-36"],
        compared: "openssh-server",
        scripts: &[("postinst", &["4bd7a827ac90"])],
        effects: &[HereDocument("/etc/hosts.allow"), HereDocument("/etc/hosts.deny")],
    },
    Rule {
        package: "dbus-system-bus-common",
        checked: &["1.16.2-2"],
        compared: "avahi-daemon",
        scripts: &[("postinst", &["9405198c12af"])],
        effects: &[Call("`messagebus`, by its sysusers.d where that is read, else by `adduser`", dbus_account)],
    },
    Rule {
        package: "dbus-daemon",
        checked: &["1.16.2-2"],
        compared: "avahi-daemon",
        scripts: &[("postinst", &["2d06520c9311"])],
        effects: &[
            Run(&["mkdir -p /var/lib/dbus"]),
            LeaveOut("/var/lib/dbus/machine-id: each machine makes its own when it starts"),
        ],
    },
    Rule {
        package: "dbus",
        checked: &["1.16.2-2"],
        compared: "avahi-daemon",
        scripts: &[("postinst", &["eb032747206b"])],
        effects: &[Run(&[
            "dpkg-statoverride --update --add root messagebus 4754 /usr/lib/dbus-1.0/dbus-daemon-launch-helper",
        ])],
    },
    Rule {
        package: "avahi-daemon",
        checked: &["0.8-16"],
        compared: "avahi-daemon",
        scripts: &[("postinst", &["54084fa52c5a"])],
        effects: &[Run(&[
            "adduser --disabled-password --quiet --system --home /run/avahi-daemon --no-create-home --gecos \
             \"Avahi mDNS daemon\" --group avahi",
            "addgroup --quiet --system netdev",
        ])],
    },
    Rule {
        package: "nginx-common",
        checked: &["1.26.3-3+deb13u11"],
        compared: "nginx",
        scripts: &[("preinst", &["56b840cd734c"]), ("postinst", &["ff34efe6dccb"])],
        effects: &[
            Templates("postinst"),
            Run(&[
                "chown root:adm /var/log/nginx",
                "chmod 0755 /var/log/nginx",
                "touch /var/log/nginx/access.log",
                "chown www-data:adm /var/log/nginx/access.log",
                "chmod 640 /var/log/nginx/access.log",
                "touch /var/log/nginx/error.log",
                "chown www-data:adm /var/log/nginx/error.log",
                "chmod 640 /var/log/nginx/error.log",
                "ln -s /etc/nginx/sites-available/default /etc/nginx/sites-enabled/default",
                "mkdir -p /var/www/html",
                "cp /usr/share/nginx/html/index.html /var/www/html/index.nginx-debian.html",
            ]),
        ],
    },
    Rule {
        package: "samba-common",
        checked: &["2:4.22.11+dfsg-0+deb13u1"],
        compared: "samba",
        scripts: &[("postinst", &["4eb5eb12947e"])],
        effects: &[
            Templates("postinst"),
            Run(&[
                "chown root:adm /var/log/samba",
                "chmod 0750 /var/log/samba",
                "ucf --three-way --debconf-ok /usr/share/samba/smb.conf /etc/samba/smb.conf",
                "ucfr samba-common /etc/samba/smb.conf",
            ]),
        ],
    },
    Rule {
        package: "samba",
        checked: &["2:4.22.11+dfsg-0+deb13u1"],
        compared: "samba",
        scripts: &[("postinst", &["9f4a7461f856"])],
        effects: &[Run(&[
            "groupadd --force --system sambashare",
            "install -d -m 1770 -g sambashare /var/lib/samba/usershares",
        ])],
    },
    Rule {
        package: "java-common",
        checked: &["0.76"],
        compared: "small-tools",
        scripts: &[("postinst", &["e480e304e0f0"])],
        effects: &[Run(&[
            "mkdir -m 755 /etc/.java",
            "mkdir -m 755 /etc/.java/.systemPrefs",
            "touch /etc/.java/.systemPrefs/.system.lock",
            "touch /etc/.java/.systemPrefs/.systemRootModFile",
        ])],
    },
    Rule {
        package: "libwtmpdb0",
        checked: &["0.73.0-3+deb13u1"],
        compared: "openssh-server",
        scripts: &[("postinst", &["7ebd936f3a5c"])],
        effects: &[Run(&["mkdir -p /var/lib/wtmpdb", "ln -s ../../log/wtmp.db /var/lib/wtmpdb/wtmp.db"])],
    },
    Rule {
        package: "chrony",
        checked: &["4.6.1-3+deb13u2"],
        compared: "chrony",
        scripts: &[("postinst", &["a79d9285ea93"])],
        effects: &[Run(&[
            "adduser --system --group --quiet --comment \"Chrony daemon\" --home /var/lib/chrony --no-create-home _chrony",
            "ucf --three-way /usr/share/chrony/chrony.conf /etc/chrony/chrony.conf",
            "ucf --three-way /usr/share/chrony/chrony.keys /etc/chrony/chrony.keys",
            "ucfr chrony /etc/chrony/chrony.conf",
            "ucfr chrony /etc/chrony/chrony.keys",
            "dpkg-statoverride --update --add _chrony _chrony 0750 /var/lib/chrony",
            "dpkg-statoverride --update --add _chrony _chrony 0750 /var/log/chrony",
            "dpkg-statoverride --update --add root _chrony 0640 /etc/chrony/chrony.keys",
        ])],
    },
    Rule {
        package: "bind9",
        checked: &["1:9.20.30-1~deb13u1"],
        compared: "bind9",
        scripts: &[("postinst", &["b440ddbedc54"])],
        effects: &[
            Run(&[
                "addgroup --system bind",
                "adduser --system --home /var/cache/bind --no-create-home --disabled-password --ingroup bind bind",
                "install -d -o root -g bind -m 775 /var/lib/bind",
                "chgrp bind /etc/bind",
                "chmod 2755 /etc/bind",
                "chgrp bind /var/cache/bind",
                "chmod 775 /var/cache/bind",
                "chgrp bind /etc/bind/named.conf",
                "chgrp bind /etc/bind/named.conf.local",
                "chgrp bind /etc/bind/named.conf.options",
                "chgrp bind /etc/bind/named.conf.default-zones",
                "chgrp bind /etc/bind/named.conf.root-hints",
            ]),
            LeaveOut("/etc/bind/rndc.key: a secret that each machine makes for itself with `rndc-confgen -a`"),
        ],
    },
    Rule {
        package: "vim-runtime",
        checked: &["2:9.1.1230-2+deb13u2"],
        compared: "vim",
        scripts: &[("preinst", &["adda26e01071"]), ("postinst", &["abd54d821904"])],
        effects: &[
            Run(&[
                "dpkg-divert --package vim-runtime --add --rename --divert /usr/share/vim/vim91/doc/help.txt.vim-tiny \
                 /usr/share/vim/vim91/doc/help.txt",
                "dpkg-divert --package vim-runtime --add --rename --divert /usr/share/vim/vim91/doc/tags.vim-tiny \
                 /usr/share/vim/vim91/doc/tags",
            ]),
            Call("tells of add-ons whose help is not indexed", |system| {
                if system.root.is_dir(&at("/usr/share/vim/addons/doc")?) {
                    system.leave_out("vim-runtime", "the index of the help of add-ons, which `helpztags` makes");
                }
                Ok(())
            }),
        ],
    },
    Rule {
        package: "cron-daemon-common",
        checked: &["3.0pl1-197"],
        compared: "cron",
        scripts: &[("postinst", &["9e78f88bd07d"])],
        effects: &[Run(&[
            "addgroup --system crontab",
            "chown root:crontab /var/spool/cron/crontabs",
            "chmod 1730 /var/spool/cron/crontabs",
        ])],
    },
    Rule {
        package: "cron",
        checked: &["3.0pl1-197"],
        compared: "cron",
        scripts: &[("postinst", &["7f45f893f0fe"])],
        effects: &[Run(&["dpkg-statoverride --update --add root crontab 2755 /usr/bin/crontab"])],
    },
    Rule {
        package: "locales",
        checked: &["2.41-12+deb13u5"],
        compared: "locales",
        scripts: &[("postinst", &["4a5f25be8076"])],
        effects: &[
            Templates("postinst"),
            Call("`/etc/locale.gen` with all locales as remarks, and `/etc/locale.conf`", |system| {
                let script = system.postinst("locales").unwrap_or_default();
                locales::configure(&mut system.root, &script)
            }),
            Always("debconf: no locale is chosen of those that there are", |system| {
                let offered = locales::offered(&system.script("locales", "config").unwrap_or_default());
                let (chosen, default) = ("locales/locales_to_be_generated", "locales/default_environment_locale");
                system.debconf.answer(chosen, "", false);
                system.debconf.substitute(chosen, "locales", &offered);
                system.debconf.answer(default, "None", false);
                system.debconf.substitute(default, "locales", "");
                Ok(())
            }),
        ],
    },
    Rule {
        package: "openssh-server",
        checked: &["1:10.0p1-7+deb13u4"],
        compared: "openssh-server",
        scripts: &[("postinst", &["48fcb6b780cb"])],
        effects: &[
            Templates("postinst"),
            Run(&[
                "ucf --three-way --debconf-ok /usr/share/openssh/sshd_config /etc/ssh/sshd_config",
                "ucfr openssh-server /etc/ssh/sshd_config",
            ]),
            LeaveOut("host keys in /etc/ssh: secrets that each machine makes for itself with `ssh-keygen -A`"),
        ],
    },
    Rule {
        package: "fontconfig-config",
        checked: &["2.15.0-2.3"],
        compared: "fontconfig",
        scripts: &[("postinst", &["6c8ecbb40096"])],
        effects: &[
            Templates("postinst"),
            Run(&[
                "ln -s /usr/share/fontconfig/conf.avail/10-hinting-slight.conf /etc/fonts/conf.d/10-hinting-slight.conf",
                "ln -s /usr/share/fontconfig/conf.avail/10-sub-pixel-none.conf /etc/fonts/conf.d/10-sub-pixel-none.conf",
                "ln -s /usr/share/fontconfig/conf.avail/70-no-bitmaps-except-emoji.conf \
                 /etc/fonts/conf.d/70-no-bitmaps-except-emoji.conf",
                "mkdir -p /usr/local/share/fonts",
            ]),
            Answer("fontconfig/enable_bitmaps", "false", false),
            Answer("fontconfig/hinting_style", "hintslight", false),
            Answer("fontconfig/hinting_type", "Native", false),
            Answer("fontconfig/subpixel_rendering", "Never", false),
        ],
    },
    Rule {
        package: "fontconfig",
        checked: &["2.15.0-2.3"],
        compared: "fontconfig",
        scripts: &[("postinst", &["7fa2f0c66c85"])],
        effects: &[
            Run(&["mkdir -p /var/cache/fontconfig"]),
            LeaveOut("the index of fonts in /var/cache/fontconfig: programs read the fonts without it"),
        ],
    },
    Rule {
        package: "squid",
        checked: &["6.13-2+deb13u4"],
        compared: "squid",
        scripts: &[("preinst", &["454397c21a92"]), ("postinst", &["c69024a85086"])],
        effects: &[Run(&[
            "ln -s /etc/apparmor.d/usr.sbin.squid /etc/apparmor.d/disable/usr.sbin.squid",
            "chown proxy:proxy /var/spool/squid",
            "chown proxy:proxy /var/log/squid",
            "chmod 4755 /usr/lib/squid/pinger",
        ])],
    },
    Rule {
        package: "cups-client",
        checked: &["2.4.10-3+deb13u2"],
        compared: "small-tools",
        scripts: &[("postinst", &["375c4cc59dbe"])],
        effects: &[Run(&["addgroup --system lpadmin"])],
    },
    Rule {
        package: "man-db",
        checked: &["2.13.1-1"],
        compared: "man-db",
        scripts: &[("postinst", &["6a0c86dcef1f"])],
        effects: &[
            Templates("postinst"),
            Answer("man-db/install-setuid", "false", false),
            Run(&["install -d -o man -g man -m 0755 /var/cache/man", "touch /var/lib/man-db/auto-update"]),
            LeaveOut("the index of manual pages in /var/cache/man: man finds pages without it, and `mandb` makes it"),
        ],
    },
];

/// Scripts whose own lines do nothing on a first installation. See [`WithoutEffect`].
pub(super) const WITHOUT_EFFECT: &[WithoutEffect] = &[
    ("gawk", "1:5.2.1-2+b1", "postinst", "eb74d7b5181e", "small-tools"),
    // nothing is started while an image is made
    ("nginx", "1.26.3-3+deb13u11", "postinst", "abaa7a5ac066", "nginx"),
    ("openssh-server", "1:10.0p1-7+deb13u4", "preinst", "8cc402871f4a", "openssh-server"),
    ("poppler-data", "0.4.12-1", "postinst", "1951c66bf994", "small-tools"),
    ("ruby", "1:3.3+b1", "preinst", "935a17e00f25", "ruby"),
    ("samba-libs", "2:4.22.11+dfsg-0+deb13u1", "preinst", "b0dbfa473f46", "samba"),
    ("systemd-sysv", "257.13-1~deb13u1", "postinst", "59b0ecdcc73c", "systemd"),
    ("vim-common", "2:9.1.1230-2+deb13u2", "postinst", "1f16d60664be", "vim"),
];

/// Scripts that do more beside another package: who vouches for them does so without it. Package, and the other.
pub(super) const MORE_WITH: &[(&str, &str)] = &[
    ("poppler-data", "ghostscript"),
    // capabilities in place of a set-user-id bit
    ("squid", "libcap2-bin"),
    ("vim-common", "gtk-update-icon-cache"),
    ("vim-common", "libgtk-3-bin"),
];

fn dbus_account(system: &mut System<'_>) -> Result<(), ConfigureError> {
    if system.reads_sysusers() {
        return system.add_sysusers("dbus-system-bus-common", &["dbus.conf".to_owned()]);
    }
    Run(&["adduser --system --quiet --group messagebus"]).apply(
        system,
        "dbus-system-bus-common",
        PackageState::Unpacked,
    )
}
