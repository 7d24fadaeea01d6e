//! Debian: sources.
