//! What a configured system looks like, without running a maintainer script.
