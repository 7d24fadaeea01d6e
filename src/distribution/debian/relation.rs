//! Debian: relation.
