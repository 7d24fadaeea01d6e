//! Whether the image knows whom it runs as.

use crate::model::Principal;

use super::{Finding, Found, Subject};

pub(super) fn check(subject: &Subject<'_>) -> Found {
    let Subject { image, execution, accounts, .. } = subject;
    let place = image.config.user.as_ref().map_or(image.name.place, |user| user.place);
    let (user, group) = execution.user.split_once(':').unwrap_or((&execution.user, ""));
    let known =
        |name: &str| name.is_empty() || name.parse::<Principal>().is_ok_and(|user| accounts.uid(&user).is_some());
    let known_group =
        |name: &str| name.is_empty() || name.parse::<Principal>().is_ok_and(|group| accounts.gid(&group).is_some());
    let mut errors = Vec::new();
    if !known(user) {
        let known = accounts.users().map(str::to_owned).collect();
        errors.push(Finding::NoUser { place, what: "user", name: user.to_owned(), known });
    }
    if !known_group(group) {
        errors.push(Finding::NoUser { place, what: "group", name: group.to_owned(), known: Vec::new() });
    }
    Found { errors, notes: Vec::new() }
}
