//! What packages of the base system do that a line of a rule cannot say.

use super::super::alternatives::Alternative;
use super::super::effect::Effect::MergedLink;
use super::super::system::{Diversion, System};
use super::super::tree::at;
use super::super::{ConfigureError, PackageState, accounts, certificates};

/// The loader is in packages of two architectures while Debian moves it into `/usr`.
pub(super) fn divert_loader(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let loader = system.platform.loader();
    system.divert(Diversion::new(loader, format!("{loader}.usr-is-merged"), "libc6"));
    Ok(())
}

/// Top folders for libraries of other word sizes, except the one that base-files ships because the loader is in it.
pub(super) fn divert_top_folders(system: &mut System<'_>) -> Result<(), ConfigureError> {
    for name in ["libx32", "lib64", "lib32", "libo32"] {
        if !system.platform.loader().starts_with(&format!("/{name}/")) {
            system.divert(Diversion::new(format!("/{name}"), format!("/.{name}.usr-is-merged"), "base-files"));
        }
    }
    Ok(())
}

/// Where the package does not ship the link because the loader is elsewhere, its script makes it.
pub(super) fn merged_lib64(system: &mut System<'_>) -> Result<(), ConfigureError> {
    if system.platform.loader().starts_with("/lib64/") {
        return Ok(());
    }
    MergedLink("lib64").apply(system, "base-files", PackageState::Unpacked)
}

/// Moved into `/usr` between releases.
pub(super) fn divert_readline(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let folder = format!("/lib/{}", system.platform.multiarch());
    for library in ["libhistory.so.8", "libhistory.so.8.2", "libreadline.so.8", "libreadline.so.8.2"] {
        let path = format!("{folder}/{library}");
        system.divert(Diversion::new(path.clone(), format!("{path}.usr-is-merged"), "libreadline8t64"));
    }
    Ok(())
}

/// The names of the older LZMA tools.
pub(super) fn lzma_alternative(system: &mut System<'_>) -> Result<(), ConfigureError> {
    const MANUALS: &str = "/usr/share/man/man1";
    let slave = |folder: &str, name: &str, target: &str| {
        [format!("{folder}/{name}"), name.to_owned(), format!("{folder}/{target}")]
    };
    let mut slaves = vec![slave(MANUALS, "lzma.1.gz", "xz.1.gz")];
    let more = ["cat", "more", "less", "diff", "cmp", "grep", "egrep", "fgrep"];
    let names = more.map(|tool| (format!("lz{tool}"), format!("xz{tool}")));
    for (name, target) in [("unlzma".to_owned(), "unxz".to_owned())].into_iter().chain(names) {
        slaves.push(slave("/usr/bin", &name, &target));
        slaves.push(slave(MANUALS, &format!("{name}.1.gz"), &format!("{target}.1.gz")));
    }
    system.add_alternative(Alternative::new("/usr/bin/lzma", "lzma", "/usr/bin/xz", 20, slaves));
    Ok(())
}

/// Folders for what is not packaged; of the group `staff` where the administrator wants that.
pub(super) fn local_folders(system: &mut System<'_>) -> Result<(), ConfigureError> {
    const BELOW: &[&str] = &["", "/share", "/share/man", "/bin", "/games", "/lib", "/include", "/sbin", "/src", "/etc"];
    BELOW.iter().try_for_each(|below| local_folder(system, below))
}

pub(super) fn local_folder(system: &mut System<'_>, below: &str) -> Result<(), ConfigureError> {
    const STAFF: u32 = 50;
    let staff = system.root.is_file(&at("/etc/staff-group-for-usr-local")?);
    let path = at(&format!("/usr/local{below}"))?;
    match (staff, system.root.is_dir(&path)) {
        (true, _) => system.root.mkdir(&path, 0o2775, (0, STAFF)),
        (false, false) => system.root.mkdir(&path, 0o755, (0, 0)),
        (false, true) => {}
    }
    Ok(())
}

/// The index of info documents, where there is a folder for them.
pub(super) fn info_index(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let there = system.root.is_dir(&at("/usr/share/info")?) && !system.root.is_file(&at("/usr/info/dir")?);
    let index = at("/usr/share/info/dir")?;
    if there && !system.root.is_file(&index) {
        system.root.copy(&at("/usr/share/base-files/info.dir")?, &index)?;
    }
    Ok(())
}

/// Where apt downloads to, which it gives to its own user at its first run.
pub(super) fn partial_folders(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let Some(user) = accounts::user(&system.root, "_apt")? else { return Ok(()) };
    for path in ["/var/cache/apt/archives/partial", "/var/lib/apt/lists/partial"] {
        system.root.mkdir(&at(path)?, 0o700, (user, 0));
    }
    Ok(())
}

pub(super) fn list_certificates(system: &mut System<'_>) -> Result<(), ConfigureError> {
    let script = system.postinst("ca-certificates").unwrap_or_default();
    let names = certificates::list(&mut system.root, &script)?.join(", ");
    system.debconf.answer("ca-certificates/enable_crts", &names, false);
    system.debconf.answer("ca-certificates/trust_new_crts", "yes", false);
    system.debconf.substitute("ca-certificates/enable_crts", "enable_crts", &names);
    system.debconf.substitute("ca-certificates/new_crts", "new_crts", "");
    Ok(())
}
