//! `account` and `group`: who there is in an image beside those of its packages.

use crate::model::{ImagePath, Place, Principal, Spanned};

use super::Mistake;
use super::drafts::ImageDraft;
use super::project::{Account, Group};
use super::read::Read;
use super::reader::{Reader, Row, Table};
use super::reads::Id;
use super::shape::Shape;

/// The name of an account or group, which is no number.
pub(super) struct AccountName(String);

impl Read for AccountName {
    const WORD: &'static str = "NAME";
    const EXPECTED: &'static str = "the name of an account or group";
    const EXAMPLE: &'static str = "\"caddy\"";
    fn read(value: &super::node::Value) -> Option<Result<Self, String>> {
        let text = value.text()?;
        Some(match text.parse::<Principal>() {
            Ok(Principal::Name(name)) => Ok(Self(name)),
            Ok(Principal::Id(_)) => Err(format!("`{text}` is a number, not a name")),
            Err(_) => {
                Err(format!("`{text}` cannot name an account: use lower-case letters, digits, `_` and `-`, at most 32"))
            }
        })
    }
}

/// Stands in [`Account::gid`] until all groups of the image are known.
const UNKNOWN: u32 = u32::MAX;

pub(super) fn account(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let name = node.argument::<AccountName>("a name");
    let uid = node.required::<Id>("uid");
    let gid = node.property::<Id>("gid").map(|gid| gid.value.0);
    let group = node.property::<AccountName>("group").map(|group| group.value.0);
    let home = field(node, "home", "/nonexistent");
    let shell = field(node, "shell", "/usr/sbin/nologin");
    let comment = field(node, "comment", "");
    for path in [&home, &shell] {
        if ImagePath::absolute(&path.value).is_err() {
            node.mistake(path.place, format!("`{}` is not an absolute path", path.value), "not a path", node.like());
        }
    }
    let (Some(name), Some(uid)) = (name, uid) else { return };
    let (name, uid, place) = (name.value.0, uid.value.0, name.place);
    let first = draft.accounts.iter().find(|first| first.name == name || first.uid == uid);
    if let Some(first) = first {
        let what = if first.name == name { format!("the account `{name}`") } else { format!("the user number {uid}") };
        return twice(node, place, &what, first.place);
    }
    // a group of the account's own has its number; another's must be found or said
    let gid = gid.unwrap_or(if group.is_some() { UNKNOWN } else { uid });
    let group = group.unwrap_or_else(|| name.clone());
    let (home, shell, comment) = (home.value, shell.value, comment.value);
    draft.accounts.push(Account { place: node.place(), name, uid, gid, group, home, shell, comment });
}

fn twice(node: &Reader<'_>, place: Place, what: &str, first: Place) {
    let mistake =
        Mistake::new(place, format!("{what} is given twice"), "again here", "give one of them another name and number");
    node.cx.sink.push(mistake.and(first, "first here"));
}

/// A field of passwd(5): without a colon or an end of line.
fn field(node: &mut Reader<'_>, name: &'static str, default: &str) -> Spanned<String> {
    let Some(text) = node.property::<String>(name) else { return Spanned::new(default.to_owned(), node.place()) };
    if text.contains([':', '\n']) {
        let message = format!("`{name}` cannot hold a colon or an end of line");
        node.mistake(text.place, message, "would break /etc/passwd", node.like());
    }
    text
}

/// Gives accounts whose group is one of the image's its number.
pub(super) fn find_groups(draft: &mut ImageDraft, node: &Reader<'_>) {
    for account in draft.accounts.iter_mut().filter(|account| account.gid == UNKNOWN) {
        match draft.groups.iter().find(|group| group.name == account.group) {
            Some(group) => account.gid = group.gid,
            None => {
                let message = format!("the group `{}` of the account `{}` has no number", account.group, account.name);
                let help =
                    format!("add `gid=` to the account, or declare `group \"{}\" gid=…` in the image", account.group);
                node.mistake(account.place, message, "of which group?", help);
            }
        }
    }
}

pub(super) const GROUP: Table<Vec<String>> = Table {
    what: "a group",
    rows: &[Row::new(
        Shape::any("member", "member \"caddy\"").means("Accounts of the image.").set(),
        |members, node| {
            let names = node.arguments::<AccountName>("the name of an account");
            members.extend(names.into_iter().map(|name| name.value.0));
        },
    )],
};

pub(super) fn group(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let name = node.argument::<AccountName>("a name");
    let gid = node.required::<Id>("gid");
    let mut members = Vec::new();
    node.optional_block(&GROUP, &mut members);
    let (Some(name), Some(gid)) = (name, gid) else { return };
    let (name, gid, place) = (name.value.0, gid.value.0, name.place);
    if let Some(first) = draft.groups.iter().find(|first| first.name == name || first.gid == gid) {
        let what = if first.name == name { format!("the group `{name}`") } else { format!("the group number {gid}") };
        return twice(node, place, &what, first.place);
    }
    draft.groups.push(Group { place: node.place(), name, gid, members });
}
