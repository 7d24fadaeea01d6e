//! The documents of the OCI image specification 1.1, in the field order of its Go types, so that the same image is
//! always the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Digest, Platform, Timestamp};

/// Media type of an index over platforms.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of a configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Media type of a layer in gzip members.
pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// Media type of a layer in zstd frames.
pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// Media type of a layer that is not compressed; of other people's images only.
pub const LAYER_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// Annotation by which an index of a layout names its images.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What a blob is, and which one it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob holds.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What it runs on, in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<OciPlatform>,
}

impl Descriptor {
    /// A descriptor without annotations or platform.
    #[must_use]
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self { media_type: media_type.to_owned(), digest, size, annotations: BTreeMap::new(), platform: None }
    }
}

/// A platform as an index writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OciPlatform {
    /// `amd64`, …
    pub architecture: String,
    /// `linux`.
    pub os: String,
    /// `v7`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl From<Platform> for OciPlatform {
    fn from(platform: Platform) -> Self {
        Self {
            architecture: platform.oci_architecture().to_owned(),
            os: platform.os().to_owned(),
            variant: platform.variant().map(str::to_owned),
        }
    }
}

/// A list of manifests: of an image over its platforms, or of everything in a layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// [`INDEX`]; some tools leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The manifests.
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Index {
    /// An index over `manifests`.
    #[must_use]
    pub fn over(manifests: Vec<Descriptor>, annotations: BTreeMap<String, String>) -> Self {
        Self { schema_version: 2, media_type: Some(INDEX.to_owned()), manifests, annotations }
    }
}

/// An image on one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// [`MANIFEST`].
    pub media_type: String,
    /// Its configuration.
    pub config: Descriptor,
    /// Its layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The configuration of an image on one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When it was made; the lock's date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// `amd64`, …
    pub architecture: String,
    /// `linux`.
    pub os: String,
    /// `v7`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What the runtime does by default.
    #[serde(default)]
    pub config: Execution,
    /// The uncompressed layers.
    pub rootfs: RootFs,
    /// One entry per layer, lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
}

/// What a runtime does with an image unless told otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Execution {
    /// `user`, `uid`, `user:group` or `uid:gid`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// `443/tcp` → `{}`.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "or_default")]
    pub exposed_ports: Map<Empty>,
    /// `NAME=value`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub env: Vec<String>,
    /// What is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Its default arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// How its health is told, in the form that Docker added to the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<OciHealthcheck>,
    /// Folders that hold data.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "or_default")]
    pub volumes: Map<Empty>,
    /// Where it starts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// What it says of itself.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "or_default")]
    pub labels: Map<String>,
    /// The signal that ends it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
}

/// A sorted JSON object.
pub type Map<T> = BTreeMap<String, T>;

/// `{}`, which is how Go writes a set's members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Other tools write `null` for what is empty.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Docker's health check; durations in nanoseconds, zero for "as inherited".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OciHealthcheck {
    /// `["NONE"]`, or `["CMD", …]`.
    pub test: Vec<String>,
    /// Time between two runs.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: u64,
    /// Time allowed for one.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: u64,
    /// Time in which failures do not count.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: u64,
    /// Failures in a row that count.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The uncompressed layers of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Digests of the uncompressed layers, lowest first.
    pub diff_ids: Vec<Digest>,
}

/// How a layer came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When; the lock's date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// By what.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// What is in it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Whether it has no layer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

/// The bytes of a document, as they are hashed and stored.
#[must_use]
pub fn bytes<T: Serialize>(document: &T) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default() // plain data: maps have string keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_round_trip_and_leave_out_what_is_empty() {
        let execution = Execution { user: "caddy".into(), ..Execution::default() };
        assert_eq!(bytes(&execution), br#"{"User":"caddy"}"#);
        let read: Execution =
            serde_json::from_str(r#"{"Env":null,"Volumes":null,"OnBuild":[]}"#).expect("as docker writes");
        assert_eq!(read, Execution::default());
    }

    #[test]
    fn a_variant_is_written_only_where_there_is_one() {
        let text = |platform: &str| {
            let platform: Platform = platform.parse().expect("a platform");
            String::from_utf8(bytes(&OciPlatform::from(platform))).expect("text")
        };
        assert_eq!(text("linux/arm64"), r#"{"architecture":"arm64","os":"linux"}"#);
        assert_eq!(text("linux/arm/v7"), r#"{"architecture":"arm","os":"linux","variant":"v7"}"#);
    }
}
