//! Tests of the room as a whole: hostile archives with their messages, and the programs of the field as oracles.

mod deb;
mod elf;
mod hostile;
mod malformed;
mod oracle;
mod pieces;
mod raw;
mod roundtrip;
mod streams;
