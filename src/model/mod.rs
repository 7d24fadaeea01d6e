//! The words of the field, as types that cannot be built wrong. Pure: no file, no clock, no network.

mod archive_path;
mod capability;
mod check;
mod digest;
pub mod formats;
mod glob;
mod identity;
mod listing;
mod name;
mod package;
mod path;
mod place;
mod platform;
mod printable;
mod quantity;
mod reference;
mod time;

pub use archive_path::{ArchivePath, ArchivePathError};
pub use capability::{Capability, UnknownCapability};
pub use check::Check;
pub use digest::{Digest, DigestError, Hasher, HashingReader, HashingWriter};
pub use glob::{Glob, GlobError, PathPolicy};
pub use identity::{Mode, ModeError, Ownership, Principal, PrincipalError};
pub use listing::shown_list;
pub use name::{
    ArchiveName, DefinitionName, ImageName, NameError, PackageArch, PackageName, PackageVersion, RecipeName,
    SourceName, StageName, TrustDomain, VariantName,
};
pub use package::{Format, PackageId, Why};
pub use path::{ImagePath, PathError};
pub use place::{FileId, Place, SourceFile, SourceMap, Spanned};
pub use platform::{Architecture, Platform, PlatformError};
pub use printable::{colour_sequence, is_printable, printable, printable_line, printable_output};
pub use quantity::{ByteSize, QuantityError, Seconds};
pub use reference::{ImageReference, ReferenceError};
pub use time::{EPOCH, Timestamp, TimestampError};
