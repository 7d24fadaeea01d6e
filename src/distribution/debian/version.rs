//! Debian: version.
