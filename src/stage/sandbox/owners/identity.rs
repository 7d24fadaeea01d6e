//! Who a task believes to be: `setuid` and its kin, by the rules of credentials(7), remembered per task.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::table::Owner;
use super::tracee::{Tracee, status};

/// "As it is" in calls that set several at once.
const KEEP: u32 = u32::MAX;
/// Groups that a task may have (`NGROUPS_MAX` of limits.h).
const GROUP_LIMIT: u32 = 65536;
/// Lookups between two cleanings.
const CLEAN_EVERY: usize = 512;

/// Real, effective, saved and file-system number of a user or group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) real: u32,
    pub(super) effective: u32,
    pub(super) saved: u32,
    file_system: u32,
}

/// A task's identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) user: Numbers,
    pub(super) group: Numbers,
    pub(super) groups: Vec<u32>,
    /// Whether it asked to keep its capabilities when it gives up being root, as those do who set the user before the
    /// group.
    pub(super) keeps_capabilities: bool,
}

/// Whether a call is about users or about groups.
#[derive(Clone, Copy)]
pub(super) enum Whose {
    User,
    Group,
}

impl Numbers {
    const fn has(&self, number: u32) -> bool {
        number == self.real || number == self.effective || number == self.saved
    }

    /// `setresuid(2)`.
    fn set_all(&mut self, wanted: [u32; 3], privileged: bool) -> Result<(), Errno> {
        if !privileged && wanted.iter().any(|&number| number != KEEP && !self.has(number)) {
            return Err(Errno::PERM);
        }
        let or = |wanted: u32, old: u32| if wanted == KEEP { old } else { wanted };
        *self = Self {
            real: or(wanted[0], self.real),
            effective: or(wanted[1], self.effective),
            saved: or(wanted[2], self.saved),
            file_system: or(wanted[1], self.effective),
        };
        Ok(())
    }

    /// `setreuid(2)`: the saved number follows when the real one is set, or the effective one to another than it.
    fn set_two(&mut self, real: u32, effective: u32, privileged: bool) -> Result<(), Errno> {
        let follows = real != KEEP || (effective != KEEP && effective != self.real);
        let saved = match (follows, effective) {
            (true, KEEP) => self.effective,
            (true, effective) => effective,
            (false, _) => KEEP,
        };
        if !privileged && [real, effective].iter().any(|&number| number != KEEP && !self.has(number)) {
            return Err(Errno::PERM);
        }
        self.set_all([real, effective, saved], true)
    }

    /// `setuid(2)`: all of them for the privileged, else the effective one.
    fn set_one(&mut self, number: u32, privileged: bool) -> Result<(), Errno> {
        match privileged {
            true => self.set_all([number; 3], true),
            false => self.set_all([KEEP, number, KEEP], false),
        }
    }
}

impl Identity {
    const fn is_privileged(&self) -> bool {
        self.user.effective == 0
    }

    const fn may_set(&self, whose: Whose) -> bool {
        self.is_privileged() || matches!(whose, Whose::Group) && self.keeps_capabilities
    }

    const fn numbers(&mut self, whose: Whose) -> &mut Numbers {
        match whose {
            Whose::User => &mut self.user,
            Whose::Group => &mut self.group,
        }
    }

    pub(super) fn set_one(&mut self, whose: Whose, number: u32) -> Result<u32, Errno> {
        let privileged = self.may_set(whose);
        self.numbers(whose).set_one(number, privileged).map(|()| 0)
    }

    pub(super) fn set_two(&mut self, whose: Whose, real: u32, effective: u32) -> Result<u32, Errno> {
        let privileged = self.may_set(whose);
        self.numbers(whose).set_two(real, effective, privileged).map(|()| 0)
    }

    pub(super) fn set_all(&mut self, whose: Whose, wanted: [u32; 3]) -> Result<u32, Errno> {
        let privileged = self.may_set(whose);
        self.numbers(whose).set_all(wanted, privileged).map(|()| 0)
    }

    /// `setfsuid(2)`, which returns what was before and never fails.
    pub(super) fn set_file_system(&mut self, whose: Whose, number: u32) -> u32 {
        let privileged = self.may_set(whose);
        let numbers = self.numbers(whose);
        let before = numbers.file_system;
        if number != KEEP && (privileged || numbers.has(number) || number == before) {
            numbers.file_system = number;
        }
        before
    }

    /// `setgroups(2)`: `size` numbers at `address`.
    pub(super) fn set_groups(&mut self, tracee: &Tracee<'_>, size: u32, address: u64) -> Result<u32, Errno> {
        if !self.may_set(Whose::Group) {
            return Err(Errno::PERM);
        }
        if size > GROUP_LIMIT {
            return Err(Errno::INVAL);
        }
        let mut bytes = vec![0; size as usize * 4];
        if size > 0 && tracee.read(address as usize, &mut bytes)? != bytes.len() {
            return Err(Errno::FAULT);
        }
        self.groups =
            bytes.chunks_exact(4).map(|four| u32::from_ne_bytes([four[0], four[1], four[2], four[3]])).collect();
        Ok(0)
    }

    /// Who owns what the task creates.
    pub(super) const fn creates_for(&self) -> Owner {
        Owner { uid: self.user.file_system, gid: self.group.file_system }
    }
}

/// When a task began, in ticks since the machine started: tells tasks of the same number apart.
type Began = u64;

/// The identities of all tasks that are not simply root; a task that is not known has its parent's.
#[derive(Debug, Default)]
pub(super) struct Identities {
    known: HashMap<u32, (Began, Identity)>,
    lookups: usize,
}

impl Identities {
    pub(super) fn get(&mut self, processes: &OwnedFd, task: u32) -> Identity {
        if self.known.is_empty() {
            return Identity::default();
        }
        self.lookups += 1;
        if self.lookups.is_multiple_of(CLEAN_EVERY) {
            self.known.retain(|task, (began, _)| stat(processes, *task).is_some_and(|stat| stat.began == *began));
        }
        let Some(own) = stat(processes, task) else { return Identity::default() };
        if let Some((began, identity)) = self.known.get(&task)
            && *began == own.began
        {
            return identity.clone();
        }
        let inherited = [own.group, own.parent].into_iter().filter(|&of| of != task).find_map(|of| {
            let (began, identity) = self.known.get(&of)?;
            (stat(processes, of)?.began == *began).then(|| identity.clone())
        });
        let identity = inherited.unwrap_or_default();
        self.put(own.began, task, &identity);
        identity
    }

    pub(super) fn set(&mut self, processes: &OwnedFd, task: u32, identity: &Identity) {
        match stat(processes, task) {
            Some(stat) => self.put(stat.began, task, identity),
            None => _ = self.known.remove(&task),
        }
    }

    /// Root is written down as well while anybody else is there: its parent may be somebody else.
    fn put(&mut self, began: Began, task: u32, identity: &Identity) {
        if self.known.is_empty() && *identity == Identity::default() {
            return;
        }
        self.known.insert(task, (began, identity.clone()));
    }
}

struct TaskStat {
    /// The thread group, which shares an identity at the beginning.
    group: u32,
    parent: u32,
    began: Began,
}

fn stat(processes: &OwnedFd, task: u32) -> Option<TaskStat> {
    let text = status(processes, task, "stat").ok()?;
    // the second field is a name in parentheses, which may hold anything
    let rest = text.rsplit_once(')')?.1;
    let field = |number: usize| rest.split_whitespace().nth(number - 3); // the third field is the first of the rest
    let group = status(processes, task, "status").ok()?;
    let group = group.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok())?;
    Some(TaskStat { group, parent: field(4)?.parse().ok()?, began: field(22)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gave_up_root_does_not_get_it_back() {
        let mut identity = Identity::default();
        assert_eq!(identity.set_one(Whose::Group, 5), Ok(0));
        assert_eq!(identity.set_one(Whose::User, 7), Ok(0));
        assert_eq!(identity.set_one(Whose::User, 0), Err(Errno::PERM));
        assert_eq!(identity.set_all(Whose::User, [KEEP, 0, KEEP]), Err(Errno::PERM));
        assert_eq!(identity.creates_for(), Owner { uid: 7, gid: 5 });
    }

    #[test]
    fn who_only_lent_it_gets_it_back() {
        let mut identity = Identity::default();
        assert_eq!(identity.set_all(Whose::User, [KEEP, 7, KEEP]), Ok(0));
        assert_eq!(identity.creates_for(), Owner { uid: 7, gid: 0 });
        assert_eq!(identity.set_two(Whose::User, KEEP, 0), Ok(0));
        assert_eq!(identity, Identity::default());
    }

    #[test]
    fn who_keeps_capabilities_can_set_the_group_after_the_user() {
        let mut identity = Identity { keeps_capabilities: true, ..Identity::default() };
        assert_eq!(identity.set_all(Whose::User, [7; 3]), Ok(0));
        assert_eq!(identity.set_all(Whose::Group, [5; 3]), Ok(0));
        assert_eq!(identity.creates_for(), Owner { uid: 7, gid: 5 });
    }

    #[test]
    fn the_saved_number_follows_as_the_kernel_has_it() {
        let mut identity = Identity::default();
        assert_eq!(identity.set_two(Whose::User, 7, 7), Ok(0));
        assert_eq!(identity.user.saved, 7);
        assert_eq!(identity.set_two(Whose::User, KEEP, 0), Err(Errno::PERM));
    }
}
