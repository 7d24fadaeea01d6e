//! What a distribution's archive says and what a system made of its packages looks like. Pure: bytes in, values out.

pub mod debian;
pub mod openpgp;
