//! Accounts and groups that an image gets, as `useradd` and its like make them.

use super::options::Options;
use super::recipe::{Item, Node, Value};
use crate::model::{ImagePath, Principal};

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: Option<u32>,
    pub(super) group: Option<String>,
    pub(super) home: Option<String>,
    pub(super) shell: Option<String>,
    pub(super) comment: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

/// Those of an image.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    accounts: Vec<Account>,
    groups: Vec<Group>,
}

/// What came of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    /// A number that had to be chosen.
    pub(super) chosen: Option<u32>,
    /// A home that is made, and whose it is.
    pub(super) home: Option<(String, String)>,
}

/// First of the numbers that are given to those who ask for none.
const FIRST: u32 = 2000;
/// Most accounts, and most groups.
const MOST: usize = 200;
/// Groups that a Debian system has (base-passwd), and their numbers.
const SYSTEM: &[(&str, u32)] = &[
    ("root", 0),
    ("daemon", 1),
    ("adm", 4),
    ("tty", 5),
    ("dialout", 20),
    ("audio", 29),
    ("www-data", 33),
    ("video", 44),
    ("staff", 50),
    ("users", 100),
    ("nogroup", 65534),
];

impl Accounts {
    /// Takes in a command that makes accounts or groups; none when it is another.
    pub(super) fn command(&mut self, words: &[&str]) -> Option<Result<Made, String>> {
        let (program, rest) = words.split_first()?;
        Some(match *program {
            "useradd" => self.useradd(rest),
            "adduser" => self.adduser(rest),
            "groupadd" | "addgroup" => self.add_group(rest),
            "usermod" => self.usermod(rest),
            _ => return None,
        })
    }

    fn useradd(&mut self, words: &[&str]) -> Result<Made, String> {
        const VALUED: [&str; 20] = [
            "b", "c", "comment", "d", "home", "home-dir", "e", "f", "g", "gid", "G", "groups", "k", "K", "p", "s",
            "shell", "u", "uid", "password",
        ];
        let options = Options::read(words, &VALUED);
        let [name] = options.rest[..] else { return Err("it names no account".to_owned()) };
        let account = Account {
            name: name.to_owned(),
            home: options.value(&["d", "home", "home-dir"]).map(str::to_owned),
            shell: options.value(&["s", "shell"]).map(str::to_owned),
            comment: options.value(&["c", "comment"]).map(str::to_owned),
            ..Account::default()
        };
        let (uid, group) = (options.value(&["u", "uid"]), options.value(&["g", "gid"]));
        let made = self.add(account, uid, group, options.has(&["m", "create-home"]))?;
        self.join(name, options.value(&["G", "groups"]))?;
        Ok(made)
    }

    /// Debian's, and busybox's.
    fn adduser(&mut self, words: &[&str]) -> Result<Made, String> {
        const VALUED: [&str; 14] =
            ["h", "home", "g", "gecos", "comment", "s", "shell", "G", "ingroup", "u", "uid", "gid", "k", "firstuid"];
        let options = Options::read(words, &VALUED);
        let name = match options.rest[..] {
            [name] => name,
            [name, group] => return self.join(name, Some(group)).map(|()| Made::default()),
            _ => return Err("it names no account".to_owned()),
        };
        let account = Account {
            name: name.to_owned(),
            home: options.value(&["h", "home"]).map(str::to_owned),
            shell: options.value(&["s", "shell"]).map(str::to_owned),
            comment: options.value(&["g", "gecos", "comment"]).map(str::to_owned),
            ..Account::default()
        };
        let (uid, group) = (options.value(&["u", "uid"]), options.value(&["G", "ingroup", "gid"]));
        let home = !options.has(&["H", "no-create-home", "S", "system", "r"]);
        self.add(account, uid, group, home)
    }

    fn add_group(&mut self, words: &[&str]) -> Result<Made, String> {
        let options = Options::read(words, &["g", "gid", "K", "p"]);
        match options.rest[..] {
            [name] => {
                let asked = options.value(&["g", "gid"]);
                let gid = self.number(asked)?;
                self.group(name, gid)?;
                Ok(Made { chosen: asked.is_none().then_some(gid), home: None })
            }
            [name, group] => self.join(name, Some(group)).map(|()| Made::default()),
            _ => Err("it names no group".to_owned()),
        }
    }

    fn usermod(&mut self, words: &[&str]) -> Result<Made, String> {
        let options = Options::read(words, &["G", "groups"]);
        let known = options.other_than(&["a", "append", "G", "groups"]).is_none();
        match options.rest[..] {
            [name] if known => self.join(name, options.value(&["G", "groups"])).map(|()| Made::default()),
            _ => Err("say what it changes at the account itself".to_owned()),
        }
    }

    fn number(&self, asked: Option<&str>) -> Result<u32, String> {
        if let Some(asked) = asked {
            return asked.parse().ok().filter(|&id| id != u32::MAX).ok_or_else(|| format!("`{asked}` is no number"));
        }
        let used = |id: u32| {
            self.accounts.iter().any(|account| account.uid == id) || self.groups.iter().any(|group| group.gid == id)
        };
        (FIRST..FIRST + 1_000).find(|&id| !used(id)).ok_or_else(|| "no number is free".to_owned())
    }

    /// Adds an account whose number and group are given as words.
    pub(super) fn add(
        &mut self,
        mut account: Account,
        uid: Option<&str>,
        group: Option<&str>,
        home: bool,
    ) -> Result<Made, String> {
        let own = self.groups.iter().find(|known| known.name == account.name).map(|known| known.gid);
        account.uid = match (uid, own) {
            (None, Some(gid)) if gid >= FIRST => gid, // chosen a moment ago, for this account
            _ => self.number(uid)?,
        };
        let chosen = (uid.is_none() && own.is_none()).then_some(account.uid);
        if home {
            account.home.get_or_insert_with(|| format!("/home/{}", account.name));
        }
        self.place(&mut account, group)?;
        let named = account.home.clone().filter(|_| home);
        let group = account.group.clone().unwrap_or_else(|| account.name.clone());
        let made = Made { chosen, home: named.map(|home| (home, format!("{}:{group}", account.name))) };
        self.account(account)?;
        Ok(made)
    }

    /// Finds the number of the account's group.
    fn place(&self, account: &mut Account, group: Option<&str>) -> Result<(), String> {
        let find = |name: &str| self.groups.iter().find(|known| known.name == name).map(|known| known.gid);
        let system = |name: &str| SYSTEM.iter().find(|(known, _)| *known == name).map(|(_, gid)| *gid);
        let named = |gid: u32| {
            let own = self.groups.iter().find(|known| known.gid == gid).map(|known| known.name.clone());
            own.or_else(|| SYSTEM.iter().find(|(_, known)| *known == gid).map(|(name, _)| (*name).to_owned()))
        };
        match group.map(|group| (group, group.parse::<u32>())) {
            None => {
                let taken = self.groups.iter().find(|known| known.gid == account.uid && known.name != account.name);
                account.gid = find(&account.name).or(taken.map(|known| known.gid));
                account.group = taken.map(|known| known.name.clone());
            }
            Some((_, Ok(gid))) => {
                account.gid = Some(gid);
                account.group = named(gid);
            }
            Some((name, Err(_))) => {
                let gid = find(name).or_else(|| system(name));
                account.gid = Some(gid.ok_or_else(|| format!("the number of the group `{name}` is not known here"))?);
                account.group = Some(name.to_owned());
            }
        }
        if account.gid == Some(account.uid) && account.group.as_ref().is_none_or(|group| *group == account.name) {
            (account.gid, account.group) = (None, None);
        }
        account.group = account.group.take().filter(|group| *group != account.name);
        Ok(())
    }

    /// Adds an account.
    pub(super) fn account(&mut self, account: Account) -> Result<(), String> {
        let Account { name, uid, .. } = &account;
        is_name(name)?;
        for text in [&account.home, &account.shell].into_iter().flatten() {
            if ImagePath::absolute(text).is_err() || text.contains([':', '\n']) {
                return Err(format!("`{text}` cannot stand in /etc/passwd"));
            }
        }
        if self.accounts.len() >= MOST || self.accounts.iter().any(|known| known.name == *name || known.uid == *uid) {
            return Err(format!("an account of the name `{name}` or the number {uid} is there already"));
        }
        // a group of the account's own comes with it
        self.groups.retain(|group| group.name != *name || !group.members.is_empty());
        self.accounts.push(account);
        Ok(())
    }

    /// Adds a group.
    pub(super) fn group(&mut self, name: &str, gid: u32) -> Result<(), String> {
        is_name(name)?;
        if self.groups.len() >= MOST || self.groups.iter().any(|known| known.name == name || known.gid == gid) {
            return Err(format!("a group of the name `{name}` or the number {gid} is there already"));
        }
        self.groups.push(Group { name: name.to_owned(), gid, members: Vec::new() });
        Ok(())
    }

    /// Puts the account `name` into groups, separated by commas.
    pub(super) fn join(&mut self, name: &str, groups: Option<&str>) -> Result<(), String> {
        is_name(name)?;
        for wanted in groups.unwrap_or_default().split(',').filter(|group| !group.is_empty()) {
            let group = self.groups.iter_mut().find(|group| group.name == wanted);
            let why = || format!("declare `group \"{wanted}\" gid=…` with the member `{name}`");
            let group = group.ok_or_else(why)?;
            if !group.members.iter().any(|member| member == name) {
                group.members.push(name.to_owned());
            }
        }
        Ok(())
    }

    /// Whether an account of this name is made here.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.accounts.iter().any(|account| account.name == name)
    }

    /// The nodes of them all.
    pub(super) fn into_items(self) -> Vec<Item> {
        let groups = self.groups.into_iter().map(|group| {
            let node = Node::new("group").text(group.name).with("gid", Value::Number(group.gid));
            let members = group.members.into_iter().fold(Node::new("member"), Node::text);
            let block = if members == Node::new("member") { Vec::new() } else { vec![members.into()] };
            node.block(block).into()
        });
        let accounts = self.accounts.into_iter().map(|account| {
            let mut node = Node::new("account").text(account.name).with("uid", Value::Number(account.uid));
            if let Some(gid) = account.gid {
                node.set("gid", Value::Number(gid));
            }
            let texts = [("group", account.group), ("home", account.home), ("shell", account.shell)];
            for (name, text) in texts {
                text.into_iter().for_each(|text| node.set(name, Value::Text(text)));
            }
            let comment = account.comment.filter(|comment| !comment.is_empty() && !comment.contains([':', '\n']));
            comment.into_iter().for_each(|comment| node.set("comment", Value::Text(comment)));
            node.into()
        });
        groups.chain(accounts).collect()
    }
}

fn is_name(name: &str) -> Result<(), String> {
    match name.parse::<Principal>() {
        Ok(Principal::Name(_)) => Ok(()),
        _ => Err(format!("`{name}` cannot name an account or group")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::recipe::print;

    fn made(lines: &[&str]) -> String {
        let mut accounts = Accounts::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            accounts.command(&words).expect("it makes accounts").expect("it can be said");
        }
        print(&accounts.into_items())
    }

    #[test]
    fn accounts_are_made_as_their_programs_do() {
        let redis = ["groupadd -r -g 999 redis", "useradd -r -g redis -u 999 -d /data -s /bin/sh redis"];
        assert_eq!(made(&redis), "account \"redis\" uid=999 home=\"/data\" shell=\"/bin/sh\"\n");
        let busybox = ["addgroup -g 1000 web", "adduser -S -D -H -u 1001 -G web app"];
        assert_eq!(made(&busybox), "group \"web\" gid=1000\naccount \"app\" uid=1001 gid=1000 group=\"web\"\n");
        assert_eq!(made(&["groupadd -r app", "useradd -r -g app app"]), "account \"app\" uid=2000\n");
        assert_eq!(made(&["useradd -u 5 -g users a"]), "account \"a\" uid=5 gid=100 group=\"users\"\n");
        let joined = ["addgroup -g 7 b", "adduser -u 8 -H a", "adduser a b"];
        assert_eq!(made(&joined), "group \"b\" gid=7 {\n    member \"a\"\n}\naccount \"a\" uid=8\n");
    }

    #[test]
    fn homes_are_made_when_asked_for() {
        let mut accounts = Accounts::default();
        let home =
            accounts.command(&["useradd", "-m", "-u", "1000", "app"]).and_then(Result::ok).and_then(|made| made.home);
        assert_eq!(home, Some(("/home/app".to_owned(), "app:app".to_owned())));
        assert!(accounts.command(&["useradd", "-u", "1000", "b"]).is_some_and(|made| made.is_err()));
        assert!(accounts.command(&["useradd", "-g", "what", "b"]).is_some_and(|made| made.is_err()));
        assert_eq!(accounts.command(&["mkdir", "b"]), None);
    }
}
