//! The four account files (passwd(5), group(5), shadow(5), gshadow(5)): accounts are added to what an image has, and
//! owners' names are looked up in them.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::model::{EPOCH, Ownership, Place, Principal};
use crate::recipe::{Account, Group};

/// Why an account cannot be added, or an owner is not known.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The number is taken by another user.
    #[error("account `{name}` cannot have uid {id}: `{holder}` has it")]
    UidTaken {
        /// Where the account was written.
        place: Place,
        /// The account.
        name: String,
        /// Its number.
        id: u32,
        /// Who has it.
        holder: String,
    },
    /// The number is taken by another group.
    #[error("group `{name}` cannot have gid {id}: `{holder}` has it")]
    GidTaken {
        /// Where the group was written.
        place: Place,
        /// The group.
        name: String,
        /// Its number.
        id: u32,
        /// Who has it.
        holder: String,
    },
    /// The name is taken with another number.
    #[error("{what} `{name}` exists already with the number {existing}, not {wanted}")]
    NameTaken {
        /// Where it was written.
        place: Place,
        /// `account` or `group`.
        what: &'static str,
        /// The name.
        name: String,
        /// The number it has.
        existing: String,
        /// The number asked for.
        wanted: u32,
    },
    /// A field that would break the line.
    #[error("account `{name}` cannot be written: its {field} contains `:` or a line break")]
    Field {
        /// Where it was written.
        place: Place,
        /// The account.
        name: String,
        /// Which field.
        field: &'static str,
    },
    /// A member that is no user.
    #[error("group `{group}` cannot have the member `{member}`: no such user is in the image")]
    Member {
        /// Where the group was written.
        place: Place,
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
}

impl AccountError {
    /// Where in the recipe it was written.
    #[must_use]
    pub const fn place(&self) -> Place {
        match self {
            Self::UidTaken { place, .. }
            | Self::GidTaken { place, .. }
            | Self::NameTaken { place, .. }
            | Self::Field { place, .. }
            | Self::Member { place, .. } => *place,
        }
    }

    /// What to do.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::UidTaken { .. } | Self::GidTaken { .. } => "choose another number, or the existing name".to_owned(),
            Self::NameTaken { existing, .. } => format!("use the number {existing}, or choose another name"),
            Self::Field { .. } => "take the character out".to_owned(),
            Self::Member { member, .. } => format!("add `account \"{member}\" uid=…`"),
        }
    }
}

/// The four files, each line split at its colons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Accounts {
    passwd: Table,
    group: Table,
    shadow: Table,
    gshadow: Table,
}

/// Lines as they are; those that do not parse are kept untouched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    lines: Vec<Vec<String>>,
}

/// The files' paths in the order of [`Accounts::read`], with the mode each gets when it is made anew.
pub(super) const FILES: [(&str, u32); 4] =
    [("etc/passwd", 0o644), ("etc/group", 0o644), ("etc/shadow", 0o640), ("etc/gshadow", 0o640)];

/// The day of the fixed clock, which `shadow` records as that of the last change.
const LAST_CHANGE: i64 = EPOCH.seconds() / 86_400;

impl Table {
    fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let lines = text.split('\n').filter(|line| !line.is_empty()); // a carriage return stays where it is
        Self { lines: lines.map(|line| line.split(':').map(str::to_owned).collect()).collect() }
    }

    fn render(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| (line.join(":") + "\n").into_bytes()).collect()
    }

    fn named(&self, name: &str) -> Option<&[String]> {
        self.lines.iter().find(|line| line[0] == name).map(Vec::as_slice)
    }

    fn number(&self, name: &str, column: usize) -> Option<u32> {
        self.named(name)?.get(column)?.parse().ok()
    }

    /// Who has this number in the third column.
    fn holder(&self, id: u32) -> Option<&str> {
        let id = id.to_string();
        self.lines.iter().find(|line| line.get(2) == Some(&id)).map(|line| line[0].as_str())
    }

    fn push(&mut self, fields: &[&str]) {
        self.lines.push(fields.iter().map(|&field| field.to_owned()).collect());
    }

    fn add_member(&mut self, group: &str, member: &str) {
        let Some(line) = self.lines.iter_mut().find(|line| line[0] == group) else { return };
        line.resize(line.len().max(4), String::new());
        let mut members: Vec<&str> = line[3].split(',').filter(|name| !name.is_empty()).collect();
        if !members.contains(&member) {
            members.push(member);
            line[3] = members.join(",");
        }
    }
}

impl Accounts {
    /// Parses the files in the order of [`FILES`]; a missing `passwd` or `group` begins with root.
    pub(super) fn read(files: [Option<Vec<u8>>; 4]) -> Self {
        let defaults: [&[u8]; 4] =
            [b"root:x:0:0:root:/root:/usr/sbin/nologin\n", b"root:x:0:\n", b"root:*:3652::::::\n", b"root:*::\n"];
        let [passwd, group, shadow, gshadow] =
            std::array::from_fn(|index| Table::parse(files[index].as_deref().unwrap_or(defaults[index])));
        Self { passwd, group, shadow, gshadow }
    }

    /// The text of each file, in the order of [`FILES`].
    pub(super) fn render(&self) -> [Vec<u8>; 4] {
        [&self.passwd, &self.group, &self.shadow, &self.gshadow].map(Table::render)
    }

    /// The group that may read the shadow files, when there is one.
    pub(super) fn shadow_group(&self) -> u32 {
        self.group.number("shadow", 2).unwrap_or(0)
    }

    pub(super) fn uid(&self, user: &Principal) -> Option<u32> {
        match user {
            Principal::Id(id) => Some(*id),
            Principal::Name(name) => self.passwd.number(name, 2),
        }
    }

    pub(super) fn gid(&self, group: &Principal) -> Option<u32> {
        match group {
            Principal::Id(id) => Some(*id),
            Principal::Name(name) => self.group.number(name, 2),
        }
    }

    /// The numbers of an owner, or the name that is not known.
    pub(super) fn resolve(&self, owner: &Ownership) -> Result<(u32, u32), String> {
        let uid = self.uid(&owner.user).ok_or_else(|| format!("user `{}`", owner.user))?;
        let gid = self.gid(&owner.group).ok_or_else(|| format!("group `{}`", owner.group))?;
        Ok((uid, gid))
    }

    /// Names of users, for suggestions.
    pub(super) fn users(&self) -> impl Iterator<Item = &str> {
        self.passwd.lines.iter().map(|line| line[0].as_str())
    }

    /// Adds groups and accounts in the order of their numbers, so that the order in which they were written does not
    /// matter. What is there already with the same numbers stays.
    pub(super) fn add(&mut self, accounts: &[Account], groups: &[Group]) -> Result<(), AccountError> {
        let mut wanted: BTreeMap<(u32, &str), Place> = BTreeMap::new();
        for group in groups {
            wanted.entry((group.gid, &group.name)).or_insert(group.place);
        }
        for account in accounts {
            wanted.entry((account.gid, &account.group)).or_insert(account.place);
        }
        for ((gid, name), place) in wanted {
            self.add_group(name, gid, place)?;
        }
        let mut accounts: Vec<&Account> = accounts.iter().collect();
        accounts.sort_by_key(|account| (account.uid, &account.name));
        for account in accounts {
            self.add_account(account)?;
        }
        for group in groups {
            for member in group.members.iter().collect::<BTreeSet<_>>() {
                if self.passwd.named(member).is_none() {
                    let (name, member) = (group.name.clone(), member.clone());
                    return Err(AccountError::Member { place: group.place, group: name, member });
                }
                self.group.add_member(&group.name, member);
                self.gshadow.add_member(&group.name, member);
            }
        }
        Ok(())
    }

    fn add_group(&mut self, name: &str, gid: u32, place: Place) -> Result<(), AccountError> {
        if let Some(line) = self.group.named(name) {
            let existing = line.get(2).cloned().unwrap_or_default();
            let same = existing.parse() == Ok(gid);
            let error = AccountError::NameTaken { place, what: "group", name: name.to_owned(), existing, wanted: gid };
            return if same { Ok(()) } else { Err(error) };
        }
        if let Some(holder) = self.group.holder(gid) {
            let (name, holder) = (name.to_owned(), holder.to_owned());
            return Err(AccountError::GidTaken { place, name, id: gid, holder });
        }
        self.group.push(&[name, "x", &gid.to_string(), ""]);
        if self.gshadow.named(name).is_none() {
            self.gshadow.push(&[name, "!", "", ""]);
        }
        Ok(())
    }

    fn add_account(&mut self, account: &Account) -> Result<(), AccountError> {
        let Account { place, name, uid, gid, home, shell, comment, .. } = account;
        for (field, value) in [("name", name), ("home", home), ("shell", shell), ("comment", comment)] {
            if value.contains([':', '\n']) {
                return Err(AccountError::Field { place: *place, name: name.clone(), field });
            }
        }
        if let Some(line) = self.passwd.named(name) {
            let same = line.get(2).and_then(|id| id.parse().ok()) == Some(*uid);
            let existing = line.get(2).cloned().unwrap_or_default();
            let name = name.clone();
            let error = AccountError::NameTaken { place: *place, what: "account", name, existing, wanted: *uid };
            return if same { Ok(()) } else { Err(error) };
        }
        if let Some(holder) = self.passwd.holder(*uid) {
            let (name, holder) = (name.clone(), holder.to_owned());
            return Err(AccountError::UidTaken { place: *place, name, id: *uid, holder });
        }
        self.passwd.push(&[name, "x", &uid.to_string(), &gid.to_string(), comment, home, shell]);
        if self.shadow.named(name).is_none() {
            self.shadow.push(&[name, "!", &LAST_CHANGE.to_string(), "", "", "", "", "", ""]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_place() -> Place {
        let file = crate::model::SourceMap::default().add("", "");
        Place { file, offset: 0, length: 0 }
    }

    fn account(name: &str, uid: u32) -> Account {
        Account {
            place: no_place(),
            name: name.into(),
            uid,
            gid: uid,
            group: name.into(),
            home: "/nonexistent".into(),
            shell: "/usr/sbin/nologin".into(),
            comment: String::new(),
        }
    }

    fn text(accounts: &Accounts) -> [String; 4] {
        accounts.render().map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn accounts_are_added_in_the_order_of_their_numbers() {
        let mut one = Accounts::read([None, None, None, None]);
        one.add(&[account("b", 2001), account("a", 2000)], &[]).expect("free numbers");
        let mut other = Accounts::read([None, None, None, None]);
        other.add(&[account("a", 2000), account("b", 2001)], &[]).expect("free numbers");
        assert_eq!(one, other);
        let [passwd, group, shadow, gshadow] = text(&one);
        assert!(passwd.ends_with(
            "a:x:2000:2000::/nonexistent:/usr/sbin/nologin\nb:x:2001:2001::/nonexistent:/usr/sbin/nologin\n"
        ));
        assert_eq!(group, "root:x:0:\na:x:2000:\nb:x:2001:\n");
        assert!(shadow.ends_with("a:!:3652::::::\nb:!:3652::::::\n"), "{shadow}");
        assert!(gshadow.ends_with("a:!::\nb:!::\n"), "{gshadow}");
    }

    #[test]
    fn a_number_that_is_taken_is_an_error_that_names_the_holder() {
        let accounts = Accounts::read([Some(b"games:x:5:60:games:/:/x\n".to_vec()), None, None, None]);
        let add = |name, uid| accounts.clone().add(&[account(name, uid)], &[]).map_err(|error| error.to_string());
        assert_eq!(add("mine", 5), Err("account `mine` cannot have uid 5: `games` has it".to_owned()));
        assert_eq!(add("games", 6), Err("account `games` exists already with the number 5, not 6".to_owned()));
        assert_eq!(add("games", 5), Ok(()));
    }

    #[test]
    fn members_must_be_users_and_come_once() {
        let mut accounts = Accounts::read([None, Some(b"video:x:44:\n".to_vec()), None, None]);
        let group = |members: &[&str]| {
            let members = members.iter().map(|&name| name.to_owned()).collect();
            Group { place: no_place(), name: "video".into(), gid: 44, members }
        };
        accounts.add(&[account("a", 2000)], &[group(&["a", "a"])]).expect("a user");
        assert!(text(&accounts)[1].contains("video:x:44:a\n"));
        let error = accounts.add(&[], &[group(&["z"])]).expect_err("no user");
        assert!(error.to_string().contains("`z`"), "{error}");
    }

    #[test]
    fn owners_are_looked_up_by_name() {
        let accounts = Accounts::read([
            Some(b"www-data:x:33:33::/:/x\n".to_vec()),
            Some(b"www-data:x:33:\n".to_vec()),
            None,
            None,
        ]);
        let owner = |text: &str| accounts.resolve(&text.parse().expect("an owner"));
        assert_eq!(owner("www-data"), Ok((33, 33)));
        assert_eq!(owner("7:www-data"), Ok((7, 33)));
        assert_eq!(owner("nobody"), Err("user `nobody`".to_owned()));
    }
}
