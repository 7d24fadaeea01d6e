//! Signatures of archives: OpenPGP (RFC 9580) with the policy that a package archive needs.
