//! Programs that make caches and indexes: what is left out, with the reason, and what is made later from all packages.

use super::super::system::COMPILED_PYTHON;
use super::{DebianMachine, Known, apache, capabilities};
use crate::shell::{Call, Unsupported};

pub(super) const KNOWN: &[(&str, Known)] = &[
    ("a2enconf", apache::enable),
    ("a2enmod", apache::enable),
    ("a2ensite", apache::enable),
    ("emacs-package-install", left_out),
    ("gdk-pixbuf-query-loaders", left_out),
    ("gio-querymodules", left_out),
    ("glib-compile-schemas", left_out),
    ("gtk-query-immodules-3.0", left_out),
    ("install-docs", left_out),
    ("install-info", left_out),
    ("ldconfig", later),
    ("logger", later),
    ("make-ssl-cert", left_out),
    ("mandb", left_out),
    ("mkfontdir", left_out),
    ("mkfontscale", left_out),
    ("mountpoint", mountpoint),
    ("pam-auth-update", pam),
    ("py3compile", left_out),
    ("pycompile", left_out),
    ("pypy3compile", left_out),
    ("setcap", capabilities::setcap),
    ("stty", no_terminal),
    ("sysctl", later),
    ("update-ca-certificates", later),
    ("update-desktop-database", left_out),
    ("update-fonts-alias", left_out),
    ("update-fonts-dir", left_out),
    ("update-fonts-scale", left_out),
    ("update-icon-caches", left_out),
    ("update-initramfs", left_out),
    ("update-menus", left_out),
    ("update-mime-database", left_out),
    ("gtk-update-icon-cache", left_out),
];

const FONTS: &str = "indexes of fonts for an X server";

/// Why an image does without what a program makes.
const REASONS: &[(&str, &str)] = &[
    ("emacs-package-install", "compiled Emacs Lisp, which Emacs does without"),
    ("gdk-pixbuf-query-loaders", "the list of loaders of images (GdkPixbuf), which desktop programs need"),
    ("gio-querymodules", "the cache of GIO's modules, which are found without it"),
    ("glib-compile-schemas", "compiled schemas of settings (GSettings), which desktop programs need"),
    ("gtk-query-immodules-3.0", "the list of input methods (GTK), which desktop programs need"),
    ("install-docs", "the register of documents (doc-base)"),
    ("install-info", "the menu of Info pages"),
    ("make-ssl-cert", "a key and a certificate, which each machine makes for itself"),
    ("mandb", "the index of manual pages"),
    ("mkfontdir", FONTS),
    ("mkfontscale", FONTS),
    ("py3compile", COMPILED_PYTHON),
    ("pycompile", COMPILED_PYTHON),
    ("pypy3compile", COMPILED_PYTHON),
    ("update-desktop-database", "the cache of desktop files: nobody opens files by clicking"),
    ("update-fonts-alias", FONTS),
    ("update-fonts-dir", FONTS),
    ("update-fonts-scale", FONTS),
    ("update-icon-caches", "caches of icons, which programs do without"),
    ("gtk-update-icon-cache", "caches of icons, which programs do without"),
    ("update-initramfs", "the first file system of a kernel: containers have none"),
    ("update-menus", "menus of window managers"),
    ("update-mime-database", "the compiled database of MIME types"),
];

fn left_out(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let base = call.name().rsplit('/').next().unwrap_or_default();
    let reason = REASONS.iter().find(|(name, _)| *name == base);
    let Some((_, reason)) = reason else { return Err(call.refuse("a cache that is not known")) };
    let package = machine.package.id.name.to_string();
    machine.system.leave_out(&package, reason);
    Ok(0)
}

/// What it makes is made from all packages when all are there; or it speaks to a service, and none runs.
fn later(_: &mut DebianMachine<'_, '_>, _: &mut Call<'_>) -> Result<i32, Unsupported> {
    Ok(0)
}

/// The kernel's file systems are there when a container runs, and nothing else is mounted.
fn mountpoint(_: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let path = call.arguments().iter().find(|word| !word.starts_with('-'));
    Ok(i32::from(!path.is_some_and(|path| matches!(path.as_str(), "/proc" | "/sys" | "/dev"))))
}

fn no_terminal(_: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    call.complain("'standard input': Inappropriate ioctl for device");
    Ok(1)
}

/// Profiles of PAM are merged when all packages are there.
fn pam(_: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let known = |word: &String| matches!(word.as_str(), "--package" | "--force");
    if call.arguments().iter().all(known) { Ok(0) } else { Err(call.refuse("what is not known")) }
}
