//! What archives publish about packages, and what systems made of them look like. Pure: bytes in, values out. [`world`],
//! [`system`] and [`scripts`] say what the rest of the program asks of a package world; the folders beside them answer it.

pub mod debian;
pub mod openpgp;
pub mod scripts;
pub mod source_package;
pub mod system;
pub mod world;
