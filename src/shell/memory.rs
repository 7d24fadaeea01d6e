//! A machine in memory with the tools and no programs of its own: for tests and fuzzing.

use std::collections::BTreeMap;

use super::tools::is_tool;
use super::{Call, FileKind, Files, LONGEST, Machine, Program, Stat, Trouble, Unsupported};

/// A folder tree; the root is `/`.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    nodes: BTreeMap<String, (Stat, Vec<u8>)>,
}

fn node(kind: FileKind, mode: u32) -> Stat {
    Stat { kind, mode, uid: 0, gid: 0, size: 0, mtime: 0 }
}

impl Memory {
    /// Puts something at an absolute path.
    pub fn put(&mut self, path: &str, kind: FileKind, mode: u32, content: Vec<u8>) {
        let mut node = node(kind, mode);
        node.size = content.len() as u64;
        self.nodes.insert(path.to_owned(), (node, content));
    }

    /// Everything in it, a line each: path, kind, mode, and content or target.
    #[must_use]
    pub fn listed(&self) -> Vec<String> {
        let line = |(path, (node, content)): (&String, &(Stat, Vec<u8>))| match &node.kind {
            FileKind::Folder => format!("{path} folder {:o}", node.mode),
            FileKind::Link(target) => format!("{path} -> {target}"),
            _ => format!("{path} file {:o} {:?}", node.mode, String::from_utf8_lossy(content)),
        };
        self.nodes.iter().map(line).collect()
    }

    /// Where a path leads.
    fn real(&self, path: &str, follow: bool, links: u32) -> Result<String, Trouble> {
        if path.len() > LONGEST {
            return Err(Trouble::TooLong);
        }
        let mut done: Vec<&str> = Vec::new();
        let parts: Vec<&str> = path.split('/').collect();
        for (index, part) in parts.iter().enumerate() {
            match *part {
                "" | "." => continue,
                ".." => {
                    done.pop();
                    continue;
                }
                part => done.push(part),
            }
            let here = format!("/{}", done.join("/"));
            let rest = parts[index + 1..].join("/");
            let last = parts[index + 1..].is_empty();
            match self.nodes.get(&here).map(|(node, _)| &node.kind) {
                Some(FileKind::Link(target)) if !last || follow => {
                    let base = &here[..here.rfind('/').unwrap_or(0)];
                    let target = if target.starts_with('/') { target.clone() } else { format!("{base}/{target}") };
                    let left = links.checked_sub(1).ok_or(Trouble::Loop)?;
                    let path = if rest.is_empty() { target } else { format!("{target}/{rest}") };
                    return self.real(&path, follow, left);
                }
                Some(FileKind::Folder) => {}
                Some(_) if !last => return Err(Trouble::NotFolder),
                None if !last && parts[index + 1..].iter().any(|part| !part.is_empty()) => {
                    return Err(Trouble::Missing);
                }
                _ => {}
            }
        }
        Ok(format!("/{}", done.join("/")))
    }

    fn is_free(&self, path: &str) -> Result<String, Trouble> {
        let real = self.real(path, false, 40)?;
        if self.nodes.contains_key(&real) { Err(Trouble::Exists) } else { Ok(real) }
    }

    fn kind(&self, path: &str) -> Option<FileKind> {
        if path == "/" { Some(FileKind::Folder) } else { self.nodes.get(path).map(|(node, _)| node.kind.clone()) }
    }
}

impl Files for Memory {
    fn look(&self, path: &str, follow: bool) -> Option<Stat> {
        let real = self.real(path, follow || path.ends_with('/'), 40).ok()?;
        if real == "/" {
            Some(node(FileKind::Folder, 0o755))
        } else {
            self.nodes.get(&real).map(|(node, _)| node.clone())
        }
    }

    fn names(&self, folder: &str) -> Option<Vec<String>> {
        let real = self.real(folder, true, 40).ok()?;
        self.kind(&real).filter(|kind| *kind == FileKind::Folder)?;
        let prefix = format!("{}/", real.trim_end_matches('/'));
        let inside = self.nodes.keys().filter_map(|path| path.strip_prefix(&prefix));
        let mut names: Vec<String> = inside.filter(|rest| !rest.contains('/')).map(str::to_owned).collect();
        names.sort();
        Some(names)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Trouble> {
        let real = self.real(path, true, 40)?;
        match self.kind(&real) {
            None => Err(Trouble::Missing),
            Some(FileKind::Folder) => Err(Trouble::IsFolder),
            _ => Ok(self.nodes[&real].1.clone()),
        }
    }

    fn write(&mut self, path: &str, content: Vec<u8>, mode: u32) -> Result<(), Trouble> {
        let real = self.real(path, true, 40)?;
        match self.kind(&real) {
            Some(FileKind::Folder) => return Err(Trouble::IsFolder),
            Some(_) => {
                let (node, old) = self.nodes.get_mut(&real).expect("it is there");
                node.size = content.len() as u64;
                *old = content;
            }
            None => self.put(&real, FileKind::File, mode, content),
        }
        Ok(())
    }

    fn make_folder(&mut self, path: &str, mode: u32) -> Result<(), Trouble> {
        let real = self.is_free(path)?;
        self.put(&real, FileKind::Folder, mode, Vec::new());
        Ok(())
    }

    fn make_link(&mut self, path: &str, target: &str) -> Result<(), Trouble> {
        let real = self.is_free(path)?;
        self.put(&real, FileKind::Link(target.to_owned()), 0o777, Vec::new());
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), Trouble> {
        let real = self.real(path, false, 40)?;
        match self.kind(&real) {
            None => return Err(Trouble::Missing),
            Some(FileKind::Folder) if self.names(&real).is_some_and(|names| !names.is_empty()) => {
                return Err(Trouble::NotEmpty);
            }
            Some(_) => self.nodes.remove(&real),
        };
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Trouble> {
        let from = self.real(from, false, 40)?;
        let to = self.real(to, false, 40)?;
        match (self.kind(&from), self.kind(&to)) {
            (None, _) => return Err(Trouble::Missing),
            (Some(FileKind::Folder), Some(FileKind::Folder))
                if self.names(&to).is_some_and(|names| !names.is_empty()) =>
            {
                return Err(Trouble::NotEmpty);
            }
            (Some(FileKind::Folder), Some(kind)) if kind != FileKind::Folder => return Err(Trouble::NotFolder),
            _ => {}
        }
        let below = format!("{from}/");
        let moved: Vec<String> =
            self.nodes.keys().filter(|path| **path == from || path.starts_with(&below)).cloned().collect();
        for path in moved {
            let node = self.nodes.remove(&path).expect("it is there");
            self.nodes.insert(format!("{to}{}", &path[from.len()..]), node);
        }
        Ok(())
    }

    fn change(
        &mut self,
        path: &str,
        follow: bool,
        mode: Option<u32>,
        owner: (Option<u32>, Option<u32>),
    ) -> Result<(), Trouble> {
        let real = self.real(path, follow, 40)?;
        let (node, _) = self.nodes.get_mut(&real).ok_or(Trouble::Missing)?;
        node.mode = mode.unwrap_or(node.mode);
        node.uid = owner.0.unwrap_or(node.uid);
        node.gid = owner.1.unwrap_or(node.gid);
        Ok(())
    }
}

impl Machine for Memory {
    fn program(&self, name: &str) -> Program {
        if is_tool(name) { Program::Tool } else { Program::Missing }
    }

    fn run(&mut self, call: &mut Call<'_>) -> Result<i32, Unsupported> {
        Err(call.refuse("there are no programs of its own"))
    }

    fn source(&mut self, _: &str) -> Option<()> {
        None
    }
}
