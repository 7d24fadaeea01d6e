//! What labels and annotations say that recipes say with nodes of their own.

use std::collections::BTreeMap;

use url::Url;

use super::recipe::{Item, Node};

/// Keys of the OCI image specification, and their nodes.
const KEYS: &[(&str, &str)] = &[
    ("org.opencontainers.image.title", "title"),
    ("org.opencontainers.image.description", "description"),
    ("org.opencontainers.image.licenses", "license"),
    ("org.opencontainers.image.url", "url"),
    ("org.opencontainers.image.authors", "authors"),
    ("maintainer", "authors"),
];

/// The node that says what `key` does, if it can say `value`.
pub(super) fn node(key: &str, value: &str) -> Option<&'static str> {
    let (_, node) = KEYS.iter().find(|(known, _)| key.eq_ignore_ascii_case(known))?;
    let fits = !value.trim().is_empty() && (*node != "url" || is_url(value));
    fits.then_some(*node)
}

/// Whether it is an address that recipes can name.
pub(super) fn is_url(text: &str) -> bool {
    let plain = |url: Url| {
        matches!(url.scheme(), "https" | "http")
            && url.username().is_empty()
            && url.host_str().is_some_and(|host| !host.is_empty())
    };
    Url::parse(text).is_ok_and(plain)
}

/// The nodes, in the order in which one reads them; their values are texts of the recipe language.
pub(super) fn items(mut about: BTreeMap<&'static str, String>) -> Vec<Item> {
    let order = ["title", "description", "license", "url", "authors"];
    let said = order.into_iter().filter_map(|node| Some((node, about.remove(node)?)));
    said.map(|(node, value)| Node::new(node).template(value).into()).collect()
}
