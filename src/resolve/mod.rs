//! From the packages that are asked for to the exact set that is installed, or to an explanation why there is none.

pub mod debian;
