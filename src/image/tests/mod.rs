//! Images assembled from packages that `dpkg-deb` built, looked at with the tools that others use.

pub(crate) mod bench;

mod base;
mod entries;
mod packages;
mod reproducible;
