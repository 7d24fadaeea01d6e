//! Platforms, and what each of them is called by compilers, distributions and registries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// What an image runs on; written `os/architecture[/variant]` as in the OCI image specification (`linux/arm/v7`).
/// The operating system is always Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform(Architecture);

/// A processor architecture together with its variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the table below says what each is called everywhere")]
pub enum Architecture {
    Amd64,
    Arm64,
    ArmV7,
    ArmV6,
    I386,
    Ppc64le,
    Riscv64,
    S390x,
}

/// Why a text is not a platform.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not a platform that can be built for; known are {known}")]
pub struct PlatformError {
    text: String,
    known: String,
}

/// One row per architecture; every column is a fact of another project, so it stands here once.
struct Row {
    architecture: Architecture,
    /// OCI architecture, which is Go's as well, and variant.
    oci: (&'static str, Option<&'static str>),
    /// The name in packages of each format.
    deb: &'static str,
    apk: &'static str,
    /// The GNU triplet, which is also the multiarch folder except on i386.
    triplet: &'static str,
    multiarch: &'static str,
    rust: &'static str,
    /// `uname -m`, which is what CMake and Meson call the processor.
    machine: &'static str,
    goarm: Option<&'static str>,
    /// ELF: `e_machine`, 64 bits, little endian.
    elf: (u16, bool, bool),
    /// The dynamic loader's path (System V ABI supplements).
    loader: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        architecture: Architecture::Amd64,
        oci: ("amd64", None),
        deb: "amd64",
        apk: "x86_64",
        triplet: "x86_64-linux-gnu",
        multiarch: "x86_64-linux-gnu",
        rust: "x86_64-unknown-linux-gnu",
        machine: "x86_64",
        goarm: None,
        elf: (62, true, true),
        loader: "/lib64/ld-linux-x86-64.so.2",
    },
    Row {
        architecture: Architecture::Arm64,
        oci: ("arm64", None),
        deb: "arm64",
        apk: "aarch64",
        triplet: "aarch64-linux-gnu",
        multiarch: "aarch64-linux-gnu",
        rust: "aarch64-unknown-linux-gnu",
        machine: "aarch64",
        goarm: None,
        elf: (183, true, true),
        loader: "/lib/ld-linux-aarch64.so.1",
    },
    Row {
        architecture: Architecture::ArmV7,
        oci: ("arm", Some("v7")),
        deb: "armhf",
        apk: "armv7",
        triplet: "arm-linux-gnueabihf",
        multiarch: "arm-linux-gnueabihf",
        rust: "armv7-unknown-linux-gnueabihf",
        machine: "armv7l",
        goarm: Some("7"),
        elf: (40, false, true),
        loader: "/lib/ld-linux-armhf.so.3",
    },
    Row {
        architecture: Architecture::ArmV6,
        oci: ("arm", Some("v6")),
        deb: "armel",
        apk: "armhf",
        triplet: "arm-linux-gnueabi",
        multiarch: "arm-linux-gnueabi",
        rust: "arm-unknown-linux-gnueabi",
        machine: "armv6l",
        goarm: Some("6"),
        elf: (40, false, true),
        loader: "/lib/ld-linux.so.3",
    },
    Row {
        architecture: Architecture::I386,
        oci: ("386", None),
        deb: "i386",
        apk: "x86",
        triplet: "i686-linux-gnu",
        multiarch: "i386-linux-gnu",
        rust: "i686-unknown-linux-gnu",
        machine: "i686",
        goarm: None,
        elf: (3, false, true),
        loader: "/lib/ld-linux.so.2",
    },
    Row {
        architecture: Architecture::Ppc64le,
        oci: ("ppc64le", None),
        deb: "ppc64el",
        apk: "ppc64le",
        triplet: "powerpc64le-linux-gnu",
        multiarch: "powerpc64le-linux-gnu",
        rust: "powerpc64le-unknown-linux-gnu",
        machine: "ppc64le",
        goarm: None,
        elf: (21, true, true),
        loader: "/lib64/ld64.so.2",
    },
    Row {
        architecture: Architecture::Riscv64,
        oci: ("riscv64", None),
        deb: "riscv64",
        apk: "riscv64",
        triplet: "riscv64-linux-gnu",
        multiarch: "riscv64-linux-gnu",
        rust: "riscv64gc-unknown-linux-gnu",
        machine: "riscv64",
        goarm: None,
        elf: (243, true, true),
        loader: "/lib/ld-linux-riscv64-lp64d.so.1",
    },
    Row {
        architecture: Architecture::S390x,
        oci: ("s390x", None),
        deb: "s390x",
        apk: "s390x",
        triplet: "s390x-linux-gnu",
        multiarch: "s390x-linux-gnu",
        rust: "s390x-unknown-linux-gnu",
        machine: "s390x",
        goarm: None,
        elf: (22, true, false),
        loader: "/lib/ld64.so.1",
    },
];

impl Platform {
    /// Linux on `architecture`.
    #[must_use]
    pub const fn new(architecture: Architecture) -> Self {
        Self(architecture)
    }

    /// Every platform that can be built for.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| Self(row.architecture))
    }

    /// What this program runs on, where it is one of ours.
    #[must_use]
    pub fn of_this_machine() -> Option<Self> {
        ROWS.iter()
            .find(|row| match std::env::consts::ARCH {
                "arm" => row.architecture == Architecture::ArmV7,
                "x86" => row.architecture == Architecture::I386,
                "powerpc64" => row.architecture == Architecture::Ppc64le,
                machine => row.machine == machine,
            })
            .map(|row| Self(row.architecture))
    }

    fn row(self) -> &'static Row {
        #[expect(clippy::expect_used, reason = "a test checks that every architecture has its row")]
        ROWS.iter().find(|row| row.architecture == self.0).expect("every architecture has a row")
    }

    /// The architecture.
    #[must_use]
    pub const fn architecture(self) -> Architecture {
        self.0
    }

    /// `linux`.
    #[must_use]
    pub const fn os(self) -> &'static str {
        "linux"
    }

    /// The architecture's name in OCI manifests, which is `GOARCH` as well.
    #[must_use]
    pub fn oci_architecture(self) -> &'static str {
        self.row().oci.0
    }

    /// The variant in OCI manifests (`v7`).
    #[must_use]
    pub fn variant(self) -> Option<&'static str> {
        self.row().oci.1
    }

    /// The name of the architecture in `.deb` packages (`arm64`, `armhf`, `ppc64el`).
    #[must_use]
    pub fn deb(self) -> &'static str {
        self.row().deb
    }

    /// Alpine's name of the architecture (`aarch64`).
    #[must_use]
    pub fn apk(self) -> &'static str {
        self.row().apk
    }

    /// The GNU triplet, prefix of cross compilers (`aarch64-linux-gnu`).
    #[must_use]
    pub fn triplet(self) -> &'static str {
        self.row().triplet
    }

    /// The multiarch folder below `/usr/lib` (`i386-linux-gnu` where the triplet says `i686`).
    #[must_use]
    pub fn multiarch(self) -> &'static str {
        self.row().multiarch
    }

    /// Rust's target with the GNU C library.
    #[must_use]
    pub fn rust(self) -> &'static str {
        self.row().rust
    }

    /// What `uname -m` says there.
    #[must_use]
    pub fn machine(self) -> &'static str {
        self.row().machine
    }

    /// `GOARM`, on 32-bit ARM.
    #[must_use]
    pub fn goarm(self) -> Option<&'static str> {
        self.row().goarm
    }

    /// What an ELF header says there: `e_machine`, whether 64 bits, whether little endian.
    #[must_use]
    pub fn elf(self) -> (u16, bool, bool) {
        self.row().elf
    }

    /// Path of the dynamic loader of the GNU C library.
    #[must_use]
    pub fn loader(self) -> &'static str {
        self.row().loader
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        // `linux/arm64/v8` is what some registries call `linux/arm64`
        let text = if text == "linux/arm64/v8" { "linux/arm64" } else { text };
        Self::all().find(|platform| platform.to_string() == text).ok_or_else(|| PlatformError {
            text: text.to_owned(),
            known: Self::all().map(|platform| platform.to_string()).collect::<Vec<_>>().join(", "),
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "linux/{}", self.oci_architecture())?;
        self.variant().map_or(Ok(()), |variant| write!(out, "/{variant}"))
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_round_trips() {
        for platform in Platform::all() {
            assert_eq!(platform.to_string().parse(), Ok(platform));
            assert!(!platform.deb().is_empty());
        }
        assert_eq!("linux/arm64/v8".parse::<Platform>().map(Platform::deb), Ok("arm64"));
        let message = "linux/arm65".parse::<Platform>().expect_err("no such").to_string();
        assert!(message.contains("linux/arm64"), "{message}");
    }

    #[test]
    fn every_architecture_has_a_row() {
        use Architecture::{Amd64, Arm64, ArmV6, ArmV7, I386, Ppc64le, Riscv64, S390x};
        for architecture in [Amd64, Arm64, ArmV7, ArmV6, I386, Ppc64le, Riscv64, S390x] {
            assert_eq!(Platform::new(architecture).row().architecture, architecture);
        }
    }
}
