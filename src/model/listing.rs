//! Many things in one message.

/// How many of many things a message lists.
const SHOWN: usize = 20;

/// The first twenty of `things` with semicolons between them, and how many more there are.
#[must_use]
pub fn shown_list<T: ToString>(things: &[T]) -> String {
    let mut shown: Vec<String> = things.iter().take(SHOWN).map(T::to_string).collect();
    if things.len() > SHOWN {
        shown.push(format!("and {} more", things.len() - SHOWN));
    }
    shown.join("; ")
}
