//! Whether what the image starts is there and can be started by its user.

use crate::model::{ImagePath, Principal};

use super::{Finding, Found, ProgramRole, Subject};
use crate::packages::Node;

pub(super) fn check(subject: &Subject<'_>) -> Found {
    let programs = started(subject).into_iter();
    let errors = programs.filter_map(|(role, program)| problem(subject, role, &program)).collect();
    Found { errors, notes: Vec::new() }
}

/// What the image starts, program and health check, as written.
pub(super) fn started(subject: &Subject<'_>) -> Vec<(ProgramRole, String)> {
    let execution = subject.execution;
    let argv = execution.entrypoint.iter().chain(&execution.cmd).find(|argv| !argv.is_empty());
    let entrypoint = argv.map(|argv| (ProgramRole::Entrypoint, argv[0].clone()));
    let healthcheck = execution.healthcheck.as_ref().and_then(|check| match check.test.as_slice() {
        [kind, program, ..] if kind == "CMD" => Some(program.clone()),
        [kind, ..] if kind == "CMD-SHELL" => Some("/bin/sh".to_owned()),
        _ => None,
    });
    entrypoint.into_iter().chain(healthcheck.map(|program| (ProgramRole::Healthcheck, program))).collect()
}

fn problem(subject: &Subject<'_>, role: ProgramRole, program: &str) -> Option<Finding> {
    let (place, tree) = (subject.image.name.place, subject.tree);
    let Some(path) = find(subject, program) else {
        return Some(Finding::NoProgram { place, role, program: program.to_owned() });
    };
    let node = tree.file(&path)?;
    if node.entry.mode.bits() & 0o111 == 0 {
        return Some(Finding::NotExecutable { place, role, path, user: None });
    }
    if !may_execute(subject, node) {
        return Some(Finding::NotExecutable { place, role, path, user: Some(subject.execution.user.clone()) });
    }
    let loader = node.elf.as_ref()?.interpreter.clone()?;
    let there = ImagePath::absolute(&loader).is_ok_and(|loader| tree.file(&loader).is_some());
    (!there).then_some(Finding::NoLoader { place, role, path, loader })
}

/// Where a program is that is started by this name.
pub(super) fn find(subject: &Subject<'_>, program: &str) -> Option<ImagePath> {
    let is_there = |path: &ImagePath| subject.tree.file(path).is_some();
    if program.contains('/') {
        let folder = &subject.execution.working_dir;
        let absolute = if program.starts_with('/') { program.to_owned() } else { format!("{folder}/{program}") };
        return ImagePath::new(absolute.as_bytes()).ok().filter(is_there);
    }
    let name = ImagePath::new(program.as_bytes()).ok()?;
    subject.path().map(|folder| folder.join(&name)).find(is_there)
}

/// Whether the image's user may execute a file: the permission bits that hold for owner, group or others. Where the
/// group is not known (`user "65532"`, whose account may have one), what the group may counts in the user's favour.
fn may_execute(subject: &Subject<'_>, node: &Node) -> bool {
    let (user, group) = subject.execution.user.split_once(':').unwrap_or((&subject.execution.user, ""));
    let user = user.parse::<Principal>().ok().and_then(|user| subject.accounts.uid(&user));
    let group = group.parse::<Principal>().ok().and_then(|group| subject.accounts.gid(&group));
    let mode = node.entry.mode.bits();
    match user {
        None | Some(0) => true,
        Some(user) if user == node.entry.uid => mode & 0o100 != 0,
        Some(_) if group == Some(node.entry.gid) => mode & 0o010 != 0,
        Some(_) if group.is_none() => mode & 0o011 != 0,
        Some(_) => mode & 0o001 != 0,
    }
}
