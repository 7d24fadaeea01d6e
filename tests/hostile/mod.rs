//! Attacks that were tried on the program, each named after what it tries. All of them end in an error or do no harm.

mod faults;
mod keys;
mod network;
mod recipes;
mod sandbox;
mod store;
mod terminal;
mod trees;
