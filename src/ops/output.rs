//! Where images are written to.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// A place and a form to write images in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A folder in the OCI image layout, with all images in it.
    Oci(PathBuf),
    /// A file that `docker load` and `podman load` read: images of one platform.
    DockerArchive(PathBuf),
    /// A tar file with the root file system of one image for one platform.
    Rootfs(PathBuf),
}

/// Why a text names no output.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not an output: write `oci:DIR`, `docker-archive:FILE` or `rootfs:FILE`")]
pub struct OutputError {
    text: String,
}

impl FromStr for Output {
    type Err = OutputError;
    fn from_str(text: &str) -> Result<Self, OutputError> {
        let wrong = || OutputError { text: text.to_owned() };
        let (kind, path) = text.split_once(':').filter(|(_, path)| !path.is_empty()).ok_or_else(wrong)?;
        match kind {
            "oci" => Ok(Self::Oci(path.into())),
            "docker-archive" => Ok(Self::DockerArchive(path.into())),
            "rootfs" => Ok(Self::Rootfs(path.into())),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oci(path) => write!(out, "oci:{}", path.display()),
            Self::DockerArchive(path) => write!(out, "docker-archive:{}", path.display()),
            Self::Rootfs(path) => write!(out, "rootfs:{}", path.display()),
        }
    }
}

/// Kinds of inputs that `refresh` can be restricted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputKind {
    /// Commits.
    Git,
    /// Files.
    Download,
    /// Binary packages and source packages.
    Packages,
    /// Outputs of steps with a network.
    Vendor,
    /// Images of registries.
    Bases,
}

impl FromStr for InputKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "git" => Ok(Self::Git),
            "download" => Ok(Self::Download),
            "packages" => Ok(Self::Packages),
            "vendor" => Ok(Self::Vendor),
            "bases" => Ok(Self::Bases),
            _ => Err(format!(
                "`{text}` is not a kind of input: write `git`, `download`, `packages`, `vendor` or `bases`"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_written_as_elsewhere_in_the_field() {
        for text in ["oci:dist", "docker-archive:x.tar", "rootfs:/a:b.tar"] {
            assert_eq!(text.parse::<Output>().map(|output| output.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "oci:", "dist", "docker:x"] {
            assert!(text.parse::<Output>().is_err(), "{text}");
        }
    }
}
