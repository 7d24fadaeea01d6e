//! How much an archive may demand before it is refused.

/// Limits for one archive. A reader that meets more stops with an error before it has read or stored the excess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the archive.
    pub entries: u64,
    /// Bytes of content of a single entry.
    pub entry_size: u64,
    /// Bytes of the whole archive after decompression, headers and padding counted.
    pub total_size: u64,
    /// Bytes of the extended headers of one entry (long names, extended attributes).
    pub extended: u64,
}

impl Limits {
    /// For the control member of a package: 16 MiB, 4,096 files.
    pub const CONTROL: Self = Self { entries: 4096, entry_size: 16 << 20, total_size: 16 << 20, extended: 64 << 10 };
}

/// Ample for the largest packages and source archives of a distribution (an installed kernel with debug symbols has
/// about 8 GB, the largest documentation packages some 200,000 files).
impl Default for Limits {
    fn default() -> Self {
        Self { entries: 1_000_000, entry_size: 8 << 30, total_size: 16 << 30, extended: 1 << 20 }
    }
}
