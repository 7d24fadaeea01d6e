//! How the C library's allocator behaves: memory that was freed goes back to the system.
//!
//! By default it keeps an arena per thread and raises the size from which it maps memory on its own with every large
//! block it sees freed. Decoders and compressors then leave blocks of many megabytes behind in every arena, and the
//! program's peak grows with the number of packages it saw rather than with what it holds (331 MB against 200 MB for the
//! Rust toolchain on two platforms).

/// Blocks from here on are mapped, and unmapped when they are freed: the windows of decoders. Those of compressors, a
/// little over 1 MiB, come and go thousands of times and are better kept.
#[cfg(target_env = "gnu")]
const MAPPED: libc::c_int = 4 << 20;
/// Free memory at the end of an arena that is kept.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 16 << 20;
#[cfg(target_env = "gnu")]
const ARENAS: libc::c_int = 2;

/// Sets the bounds; before the first thread starts.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the C library has no safe interface to its allocator")]
pub(super) fn bound() {
    // SAFETY: mallopt(3) takes two numbers and keeps no pointer; a number that it does not know changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
    }
}

/// Other C libraries give memory back by themselves.
#[cfg(not(target_env = "gnu"))]
pub(super) fn bound() {}
