//! debconf's protocol as `confmodule` offers it to shell scripts (debconf-devel(7)), with nobody to ask: questions have the
//! answers that the templates give.

use super::DebianMachine;
use crate::shell::{Call, Unsupported};

/// The file that brings the commands.
pub(super) const CONFMODULE: &str = "debconf/confmodule";

type Answer = fn(&mut DebianMachine<'_, '_>, &mut Call<'_>) -> Result<i32, Unsupported>;

/// A question that nobody sees.
const SKIPPED: i32 = 30;
/// A question that there is not.
const UNKNOWN: i32 = 10;

const ANSWERS: &[(&str, Answer)] = &[
    ("db_beginblock", nothing),
    ("db_capb", capabilities),
    ("db_clear", nothing),
    ("db_endblock", nothing),
    ("db_fget", flag),
    ("db_fset", set_flag),
    ("db_get", get),
    ("db_go", nothing),
    ("db_info", nothing),
    ("db_input", input),
    ("db_metaget", field),
    ("db_progress", nothing),
    ("db_purge", nothing),
    ("db_register", register),
    ("db_reset", reset),
    ("db_set", set),
    ("db_settitle", nothing),
    ("db_stop", nothing),
    ("db_subst", substitute),
    ("db_text", input),
    ("db_title", nothing),
    ("db_unregister", unregister),
    ("db_version", nothing),
];

pub(super) fn find(name: &str) -> Option<Answer> {
    ANSWERS.iter().find(|(own, _)| *own == name).map(|(_, answer)| *answer)
}

fn question<'c>(call: &'c Call<'_>) -> Result<&'c str, Unsupported> {
    call.arguments().first().map(String::as_str).ok_or_else(|| call.refuse("no question"))
}

fn missing(call: &mut Call<'_>, name: &str) -> i32 {
    call.set_variable("RET", format!("{name} doesn't exist"));
    UNKNOWN
}

fn nothing(_: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    call.set_variable("RET", "");
    Ok(0)
}

fn capabilities(_: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    call.set_variable("RET", "multiselect escape backup progresscancel");
    Ok(0)
}

fn get(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let name = question(call)?.to_owned();
    match machine.system.debconf.value(&name) {
        Some(value) => {
            call.set_variable("RET", value);
            Ok(0)
        }
        None => Ok(missing(call, &name)),
    }
}

fn input(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let Some(name) = call.arguments().get(1).cloned() else { return Err(call.refuse("no question")) };
    let Some(value) = machine.system.debconf.value(&name) else { return Ok(missing(call, &name)) };
    // it is asked of nobody, and has its default from now on
    let seen = machine.system.debconf.is_seen(&name);
    machine.system.debconf.answer(&name, &value, seen);
    call.set_variable("RET", "question skipped");
    Ok(SKIPPED)
}

fn set(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let name = question(call)?.to_owned();
    let value = call.arguments()[1..].join(" ");
    if machine.system.debconf.value(&name).is_none() {
        return Ok(missing(call, &name));
    }
    let seen = machine.system.debconf.is_seen(&name);
    machine.system.debconf.answer(&name, &value, seen);
    call.set_variable("RET", "value set");
    Ok(0)
}

fn reset(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let name = question(call)?.to_owned();
    machine.system.debconf.reset(&name);
    nothing(machine, call)
}

fn flag(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let name = question(call)?.to_owned();
    if machine.system.debconf.value(&name).is_none() {
        return Ok(missing(call, &name));
    }
    let seen = call.arguments().get(1).is_some_and(|flag| flag == "seen") && machine.system.debconf.is_seen(&name);
    call.set_variable("RET", if seen { "true" } else { "false" });
    Ok(0)
}

fn set_flag(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let name = question(call)?.to_owned();
    let (flag, value) = (call.arguments().get(1).cloned(), call.arguments().get(2).cloned());
    match (flag.as_deref(), value.as_deref()) {
        (Some("seen"), Some(value)) => machine.system.debconf.see(&name, value == "true"),
        _ => return Err(call.refuse("a flag that is not known")),
    }
    call.set_variable("RET", value.unwrap_or_default());
    Ok(0)
}

fn field(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let name = question(call)?.to_owned();
    let field = call.arguments().get(1).cloned().unwrap_or_default();
    match machine.system.debconf.field(&name, &field) {
        Some(value) => {
            call.set_variable("RET", value);
            Ok(0)
        }
        None => Ok(missing(call, &name)),
    }
}

fn substitute(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let name = question(call)?.to_owned();
    let variable = call.arguments().get(1).cloned().unwrap_or_default();
    let value = call.arguments().get(2..).unwrap_or_default().join(" ");
    machine.system.debconf.substitute(&name, &variable, &value);
    nothing(machine, call)
}

fn register(_: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    Err(call.refuse("a question that is made from another one's template"))
}

fn unregister(machine: &mut DebianMachine<'_, '_>, call: &mut Call<'_>) -> Result<i32, Unsupported> {
    let name = question(call)?.to_owned();
    machine.system.debconf.forget(&name);
    nothing(machine, call)
}
