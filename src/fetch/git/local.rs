//! Repositories of this machine, read where they are: no copy is made, and no object is read before its size is known.

use std::path::{Path, PathBuf};

use git2::{Error, ObjectType, Odb, Oid, Repository};
use url::Url;

use super::allowance::Allowance;

/// How many tags may point at each other.
const LONGEST_CHAIN: u32 = 8;

/// Where a repository of this machine is.
pub(super) fn path(url: &str) -> Result<PathBuf, Error> {
    if !url.starts_with("file://") {
        return Ok(PathBuf::from(url));
    }
    let path = Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
    path.ok_or_else(|| Error::from_str("it names no folder of this machine"))
}

/// All references with what they point at, in the form in which servers list them: an annotated tag has a second line.
pub(super) fn references(path: &Path, allowance: &Allowance) -> Result<Vec<(String, Oid)>, Error> {
    let repository = Repository::open(path)?;
    let odb = repository.odb()?;
    let mut heads = Vec::new();
    if let Ok(head) = repository.refname_to_id("HEAD") {
        heads.push(("HEAD".to_owned(), head));
    }
    for reference in repository.references()? {
        let reference = reference?;
        // one that is not text cannot be named in a recipe; one that points nowhere is listed by no server
        let (Ok(name), Ok(resolved)) = (reference.name(), reference.resolve()) else { continue };
        let Some(target) = resolved.target() else { continue };
        heads.push((name.to_owned(), target));
        let end = peeled(&repository, &odb, target, allowance)?;
        if end != target {
            heads.push((format!("{name}^{{}}"), end));
        }
    }
    Ok(heads)
}

/// What a tag points at in the end.
fn peeled(repository: &Repository, odb: &Odb<'_>, mut id: Oid, allowance: &Allowance) -> Result<Oid, Error> {
    for _ in 0..LONGEST_CHAIN {
        // a reference to nothing is of no concern until it is asked for
        let Ok((size, kind)) = odb.read_header(id) else { return Ok(id) };
        if kind != ObjectType::Tag {
            return Ok(id);
        }
        allowance.object(kind, size as u64).map_err(|reason| Error::from_str(&reason))?;
        id = repository.find_tag(id)?.target_id();
    }
    Err(Error::from_str(&format!("more than {LONGEST_CHAIN} tags point at each other")))
}
