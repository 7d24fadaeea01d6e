//! What is run in the sandbox: text for `/bin/sh` and for apt.

use std::fmt::Write as _;

use super::archive::{BASIC, OTHERS, file_name};
use crate::distribution::scripts::{Install, OWN, ScriptedPackage, TARGET};
use crate::model::PackageId;

/// The configuration of apt, for this run only: its lists and logs are none of the image's business, and so are the
/// archives that the image may name. That apt thinks of itself as essential would change the order of everything.
pub(super) fn apt_configuration(install: &Install<'_>) -> String {
    let (architecture, own) = (install.platform.deb(), format!("/{OWN}"));
    let (folder, options) = match install.outside {
        false => (String::new(), String::new()),
        true => (
            format!(
                "Dir \"/{TARGET}\";\nDir::State::Status \"/{TARGET}/var/lib/dpkg/status\";\nDir::Bin::dpkg \"/usr/bin/dpkg\";\n"
            ),
            OUTSIDE.split(' ').map(|option| format!(" \"{option}\";")).collect(),
        ),
    };
    format!(
        r#"APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
{folder}APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Keep-Downloaded-Packages "true";
pkgCacheGen::ForceEssential ",";
Acquire::Languages "none";
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::SourceList "{own}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "{own}/apt/lists";
Dir::Cache "{own}/apt/cache";
Dir::Log "{own}/apt/log";
Dpkg::Use-Pty "false";
Dpkg::Options {{ "--force-confold"; "--log={own}/apt/log/dpkg.log";{options} }};
"#
    )
}

/// The package that installs others in the order that it finds best, and records who was asked for.
pub(super) const APT: &str = "apt";
const APT_GET: &str = "apt-get --quiet=2 --yes --no-remove";

/// Options of dpkg that configures what it does not run in.
const OUTSIDE: &str = "--root=/target --force-script-chrootless";
/// The architectures that dpkg accepts (dpkg(1)).
const ARCHITECTURES: &str = "var/lib/dpkg/arch";

/// With the image's own configuration, but for its archives: nothing is to be had from them here.
const TIDY: &str = "(
  unset APT_CONFIG
  apt-get --quiet=2{options} -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null update
  apt-get --quiet=2{options} clean
)
rm -rf {root}/var/lib/apt/lists/lock {root}/var/lib/apt/lists/auxfiles {root}/var/cache/apt/archives/lock
";

/// The commands that install packages.
pub(super) fn script(install: &Install<'_>) -> String {
    let mut text = String::new();
    let (root, outside) = match install.outside {
        false => (String::new(), String::new()),
        true => (format!(" --root=/{TARGET}"), format!(" {OUTSIDE}")),
    };
    let dpkg = format!("dpkg{outside} --force-confold --log=/{OWN}/apt/log/dpkg.log");
    if install.outside {
        // to the dpkg that runs, the packages are of another architecture than its own
        let _ = writeln!(
            text,
            "mkdir -p /{TARGET}/var/lib/dpkg\necho {} > /{TARGET}/{ARCHITECTURES}",
            install.platform.deb()
        );
    }
    let files = |folder: &str, packages: &[&ScriptedPackage]| {
        packages.iter().fold(String::new(), |mut text, package| {
            let _ = write!(text, " \\\n  '/{OWN}/{folder}/{}'", file_name(package));
            text
        })
    };
    let (basic, others): (Vec<_>, Vec<_>) = install.packages.iter().partition(|package| package.basic);
    if !basic.is_empty() {
        // dpkg does not put packages that others need before they are unpacked in order: all of it lies there already
        let _ = writeln!(text, "{dpkg} --force-depends --install{}", files(BASIC, &basic));
    }
    let (automatic, requested): (Vec<_>, Vec<_>) = others.into_iter().partition(|package| package.why.is_needed());
    match install.installers.contains(&APT) {
        true if !(requested.is_empty() && automatic.is_empty()) => {
            text.push_str("apt-get --quiet=2 update\n");
            if !requested.is_empty() {
                let _ = writeln!(text, "{APT_GET} install{}", names(&requested));
            }
            if !automatic.is_empty() {
                // those that nothing asked for: recommended ones, and what the lock chose among alternatives
                let _ = writeln!(text, "missing=''\nfor package in{}; do", names(&automatic));
                let _ = writeln!(text, "  known='dpkg-query{root}'");
                text.push_str("  $known -W \"${package%%=*}\" > /dev/null 2>&1 || missing=\"$missing $package\"\n");
                text.push_str("done\n");
                let _ = writeln!(text, "if [ -n \"$missing\" ]; then {APT_GET} --mark-auto install $missing; fi");
            }
            // leaves apt's folders as every run of it does
            let (options, folder) = match install.outside {
                false => (String::new(), String::new()),
                true => (format!(" -o Dir=/{TARGET}"), format!("/{TARGET}")),
            };
            text.push_str(&TIDY.replace("{options}", &options).replace("{root}", &folder));
        }
        false if !(requested.is_empty() && automatic.is_empty()) => {
            let all: Vec<_> = [requested, automatic].concat();
            let _ = writeln!(text, "{dpkg} --force-depends --install{}", files(OTHERS, &all));
        }
        _ => {}
    }
    if install.outside {
        let _ = writeln!(text, "rm /{TARGET}/{ARCHITECTURES}");
    }
    let _ = writeln!(text, "problems=\"$(dpkg{root} --audit)\"");
    text.push_str("if [ -n \"$problems\" ]; then echo \"$problems\"; exit 1; fi\n");
    text
}

/// Names with architecture and version, as apt wants them.
fn names(packages: &[&ScriptedPackage]) -> String {
    packages.iter().fold(String::new(), |mut text, package| {
        let PackageId { name, version, architecture, .. } = &package.id;
        let qualifier = if architecture == "all" { String::new() } else { format!(":{architecture}") };
        let _ = write!(text, " \\\n  '{name}{qualifier}={version}'");
        text
    })
}
