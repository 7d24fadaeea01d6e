//! Many processes in one store at the same time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use super::{Site, said};

/// What came of processes that ran together.
#[derive(Debug)]
pub(crate) struct Together {
    /// The steps that were run, each by one process.
    pub(crate) steps: usize,
    /// What went wrong.
    pub(crate) faults: Vec<String>,
}

/// Starts a process for each list of arguments, all in one store, and waits for them. `expected` is what an undisturbed
/// build of everything prints: each process prints some lines of it.
pub(crate) fn together(site: &Site, store: &Path, processes: &[&[&str]], expected: &str) -> Together {
    let children: Vec<_> = processes
        .iter()
        .enumerate()
        .map(|(number, arguments)| {
            let mut command = site.command(store, arguments);
            command.arg("--output").arg(format!("oci:{}", store.with_file_name(format!("out{number}")).display()));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    // each is read by a thread of its own: none is held up by a pipe that is full
    let readers: Vec<_> =
        children.into_iter().map(|child| std::thread::spawn(|| child.wait_with_output().expect("it ends"))).collect();
    let outputs = readers.into_iter().map(|reader| reader.join().expect("the reader ends"));
    let (mut faults, mut done) = (Vec::new(), BTreeMap::<String, usize>::new());
    for (arguments, output) in processes.iter().zip(outputs) {
        match said(&format!("`{}`", arguments.join(" ")), &output) {
            Ok(printed) => {
                let other = printed.lines().filter(|line| !expected.lines().any(|known| known == *line));
                faults.extend(other.map(|line| format!("`{line}` is not what one process gives")));
                if printed.is_empty() {
                    faults.push(format!("`{}` printed nothing", arguments.join(" ")));
                }
            }
            Err(error) => faults.push(error),
        }
        for step in steps(&String::from_utf8_lossy(&output.stderr)) {
            *done.entry(step).or_default() += 1;
        }
    }
    let twice = done.iter().filter(|(_, count)| **count > 1);
    faults.extend(twice.map(|(step, count)| format!("{step} was done {count} times")));
    faults.extend(site.verify(store).err());
    Together { steps: done.len(), faults }
}

/// The steps that a process says it has done: lines like `[ 3/12] image hello linux/amd64      20 ms`.
fn steps(stderr: &str) -> Vec<String> {
    let step = |line: &str| {
        let name: String = line.strip_prefix('[')?.split_once("] ")?.1.chars().take(44).collect();
        Some(name.trim_end().to_owned())
    };
    stderr.lines().filter_map(step).collect()
}
