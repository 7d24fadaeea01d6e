//! What archives publish about packages, and what systems made of them look like. Pure: bytes in, values out. [`world`]
//! and the files beside it say what the rest of the program asks of a package world; the folders answer it.

pub mod debian;
pub mod openpgp;
pub mod scripts;
pub mod source_package;
pub mod suite;
pub mod system;
pub mod world;
