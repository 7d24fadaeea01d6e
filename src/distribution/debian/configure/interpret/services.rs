//! What starts and enables services: nothing runs, so that only what is enabled is left.

use super::super::init_scripts::InitScript;
use super::super::system::WITH_TMPFILES;
use super::super::tmpfiles;
use super::super::units::Manager;
use super::{DebianMachine, Known};
use crate::shell::{Call, Unsupported};

pub(super) const KNOWN: &[(&str, Known)] = &[
    ("deb-systemd-helper", helper),
    ("deb-systemd-invoke", nothing),
    ("invoke-rc.d", nothing),
    ("rc-service", nothing),
    ("runit-helper", nothing),
    ("service", nothing),
    ("systemctl", systemctl),
    ("systemd-sysusers", sysusers),
    ("systemd-tmpfiles", create),
    ("udevadm", nothing),
    ("update-rc.d", init_script),
];

/// Starting, stopping and reloading: there is nothing that runs.
fn nothing(_: &mut DebianMachine<'_, '_>, _: &mut Call<'_>) -> Result<i32, Unsupported> {
    Ok(0)
}

fn helper(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let user = call.arguments().iter().any(|word| word == "--user");
    let words: Vec<String> = call.arguments().iter().filter(|word| !word.starts_with("--")).cloned().collect();
    let Some((verb, units)) = words.split_first() else { return Err(call.refuse("no verb")) };
    let manager = if user { Manager::User } else { Manager::System };
    match verb.as_str() {
        // nothing was masked or enabled before the package came
        "unmask" | "mask" | "purge" | "reenable" | "disable" => Ok(0),
        "was-enabled" => Ok(0),
        "is-enabled" | "debian-installed" => Ok(1),
        "enable" => {
            let linked = machine.linked;
            machine.system.units.extend(units.iter().map(|unit| (manager, unit.clone(), linked)));
            Ok(0)
        }
        "update-state" => {
            machine.system.recorded_units.extend(units.iter().map(|unit| (manager, unit.clone())));
            Ok(0)
        }
        _ => Err(call.refuse("a verb that is not known")),
    }
}

fn systemctl(_: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let verb = call.arguments().iter().find(|word| !word.starts_with('-')).map(String::as_str);
    match verb {
        Some(
            "daemon-reload" | "daemon-reexec" | "start" | "stop" | "restart" | "try-restart" | "reload"
            | "reload-or-restart" | "kill" | "reset-failed",
        ) => Ok(0),
        // nothing runs
        Some("is-active" | "is-system-running" | "status") => Ok(3),
        None => Ok(1),
        _ => Err(call.refuse("a verb that is not known")),
    }
}

fn sysusers(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let files = configuration_files(call)?;
    let moment = machine.system.moment.seconds();
    let added = super::super::accounts::add_sysusers(&mut machine.system.root, &files, moment);
    let unknown = added.map_err(|error| DebianMachine::failed(call, &error))?;
    known_lines(call, &unknown)
}

fn create(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    if !machine.system.has_any(WITH_TMPFILES) || !call.arguments().iter().any(|word| word == "--create") {
        return Err(call.refuse("what is not known"));
    }
    let files = configuration_files(call)?;
    let said =
        tmpfiles::create(&mut machine.system.root, &files).map_err(|error| DebianMachine::failed(call, &error))?;
    if said.lists {
        let package = machine.package.id.name.to_string();
        machine.system.leave_out(&package, "access control lists that its tmpfiles.d asks for");
    }
    known_lines(call, &said.unknown)
}

fn known_lines(call: &Call<'_>, unknown: &[String]) -> Result<i32, Unsupported> {
    match unknown.first() {
        None => Ok(0),
        Some(line) => Err(call.refuse(format!("the line `{line}` of a file"))),
    }
}

/// The names of files in the usual folders; options that say where the root is are none.
fn configuration_files(call: &Call<'_>) -> Result<Vec<String>, Unsupported> {
    let mut files = Vec::new();
    for word in call.arguments() {
        if let Some(prefix) = word.strip_prefix("--root=") {
            if !prefix.trim_matches('/').is_empty() {
                return Err(call.refuse("another root"));
            }
        } else if !word.starts_with("--") {
            files.push(word.rsplit('/').next().unwrap_or(word).to_owned());
        }
    }
    if files.is_empty() { Err(call.refuse("all files of all packages")) } else { Ok(files) }
}

fn init_script(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let words: Vec<&String> = call.arguments().iter().filter(|word| *word != "-f").collect();
    let [name, verb, ..] = words[..] else { return Err(call.refuse("no script")) };
    if verb == "remove" {
        return Ok(0);
    }
    if let ("disable", 2) = (verb.as_str(), words.len()) {
        let mut queued = machine.system.init_scripts.iter_mut().filter(|script| script.name() == name);
        let Some(script) = queued.next() else {
            call.complain("error: no runlevel symlinks to modify, aborting!");
            return Ok(1);
        };
        script.disable();
        return Ok(0);
    }
    // the old form, whose levels the script's header gives
    let verb = if matches!(verb.as_str(), "start" | "stop") { "defaults" } else { verb };
    let Some(script) = InitScript::new(name, verb) else { return Err(call.refuse("a verb that is not known")) };
    if machine.system.orders_init_scripts() {
        let package = machine.package.id.name.to_string();
        machine.system.leave_out(
            &package,
            "links of its init script in /etc/rc?.d, in the order that insserv or OpenRC would compute: nothing starts \
             services in a container",
        );
        return Ok(0);
    }
    machine.system.init_scripts.push(script);
    Ok(0)
}
