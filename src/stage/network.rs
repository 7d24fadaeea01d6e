//! What a step with a network needs beside the network: names, authorities, proxies. Its output is pinned, so nothing
//! of this can change an image.

#![expect(clippy::disallowed_methods, reason = "it is among PATHS in tests/architecture.rs")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::sandbox::File;
use crate::beneath::{Dir, follow};

/// Where certificates of the public authorities are, on this machine and in roots.
const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";
const CERTIFICATES: &str = "/run/certificates.pem";
/// Who reads which variable: Go, OpenSSL and rustls; curl; cargo; git; npm; pip.
const CERTIFICATE_VARIABLES: &[&str] =
    &["SSL_CERT_FILE", "CURL_CA_BUNDLE", "CARGO_HTTP_CAINFO", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "PIP_CERT"];

/// How the machine's network is reached from a step.
#[derive(Clone, Debug, Default)]
pub struct HostNetwork {
    /// Lines for `/etc/hosts` beside the machine's.
    pub hosts: Vec<String>,
    /// Certificates of authorities beside the public ones, PEM.
    pub authorities: Vec<u8>,
    /// Variables, like `HTTPS_PROXY` and `GOPROXY`.
    pub variables: BTreeMap<String, String>,
}

impl HostNetwork {
    /// Adds to a sandbox with these layers what makes its network usable.
    pub(super) fn add_to(&self, layers: &[PathBuf], env: &mut BTreeMap<String, String>, files: &mut Vec<File>) {
        let mut add = |path: &str, content: Vec<u8>| {
            if let Ok(path) = path.parse() {
                files.push(File { path, content, mode: 0o644 });
            }
        };
        // a machine without these files reaches nothing by name, and the step will say so
        add("etc/resolv.conf", fs_err::read("/etc/resolv.conf").unwrap_or_default());
        let mut hosts = fs_err::read("/etc/hosts").unwrap_or_default();
        for line in &self.hosts {
            hosts.extend_from_slice(format!("\n{line}\n").as_bytes());
        }
        add("etc/hosts", hosts);
        // the machine's own as well: behind a proxy that inspects traffic they are what its administrator added
        let mut certificates = bundle_of(layers).unwrap_or_default();
        certificates.extend(fs_err::read(PathBuf::from("/").join(BUNDLE)).unwrap_or_default());
        certificates.extend_from_slice(&self.authorities);
        if !certificates.is_empty() {
            add(CERTIFICATES, certificates);
            env.extend(CERTIFICATE_VARIABLES.iter().map(|&name| (name.to_owned(), CERTIFICATES.to_owned())));
        }
        env.extend(self.variables.clone());
    }
}

/// The certificates of the root, whose links lead nowhere else.
fn bundle_of(layers: &[PathBuf]) -> Option<Vec<u8>> {
    const LARGEST: u64 = 16 << 20;
    let layers: Vec<Dir> = layers.iter().map(|layer| Dir::open(layer)).collect::<Result<_, _>>().ok()?;
    let path = follow(&layers.iter().collect::<Vec<_>>(), BUNDLE.as_ref()).ok()?;
    layers.iter().find_map(|layer| layer.read(&path, LARGEST).ok())
}
