//! Debian: deb822.
