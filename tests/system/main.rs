//! The tests that take more: root, Debian's archive, or programs of others. `hack/test.sh` runs them after `cargo test`.

#![allow(clippy::disallowed_methods, reason = "tests follow paths in folders of their own")]

#[path = "../apt_oracle.rs"]
mod apt_oracle;
#[path = "../faults/mod.rs"]
#[allow(dead_code, reason = "the campaign uses all of it")]
mod faults;
#[path = "../fidelity/mod.rs"]
mod fidelity;
#[path = "../hostile"]
mod hostile {
    //! Attacks from inside of a sandbox, and on the store.
    mod faults;
    mod keys;
    mod sandbox;
    mod store;
    mod trees;
}
#[path = "../ldconfig.rs"]
mod ldconfig;
#[path = "../live/mod.rs"]
mod live;
#[path = "../registry.rs"]
mod registry;
#[path = "../roots.rs"]
mod roots;
#[path = "../sandbox/mod.rs"]
mod sandbox;
#[path = "../scripts.rs"]
mod scripts;
#[path = "../support/mod.rs"]
mod support;
