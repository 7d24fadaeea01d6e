//! Debian: release.
