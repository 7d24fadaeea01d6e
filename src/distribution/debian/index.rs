//! Debian: index.
