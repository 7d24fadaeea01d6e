//! Gives the program the fingerprint of the rules by which packages are configured: the hash of their source text. It is
//! part of the keys of images, so a store that older rules filled never answers for newer ones. A number that is raised
//! by hand would be forgotten.

#![expect(clippy::disallowed_methods, reason = "it reads the sources of this very program")]

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

const RULES: &[&str] = &["src/distribution/debian/configure", "src/shell"];

fn main() -> io::Result<()> {
    let mut files = Vec::new();
    for folder in RULES {
        println!("cargo::rerun-if-changed={folder}");
        collect(Path::new(folder), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let text = std::fs::read(&file)?;
        for part in [file.as_os_str().as_encoded_bytes(), &text] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let digits: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=ORCHESTRATE_RULES={digits}");
    Ok(())
}

/// The Rust files below a folder; those that only hold tests change no result.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            collect(&path, files)?;
        } else if path.is_file() && name.ends_with(".rs") && !name.ends_with("tests.rs") {
            files.push(path);
        }
    }
    Ok(())
}
