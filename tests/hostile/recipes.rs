//! Recipes that ask for gigabytes, stall the program, or are links to files of the machine.

use std::io::{BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fs_err::os::unix::fs::symlink;

use crate::support::project::Project;

/// Most memory, in kilobytes.
const MOST_MEMORY: u64 = 300_000;
/// Most time of the processors in a build without optimisation, which takes some ten times that of a release.
const MOST_TIME: Duration = Duration::from_secs(20);
/// Longest recipe, in bytes.
const LARGEST: usize = 1 << 20;

const SEVEN: &str = "platforms \"linux/amd64\" \"linux/arm64\" \"linux/arm/v7\" \"linux/386\" \"linux/ppc64le\" \
                     \"linux/s390x\" \"linux/riscv64\"\n";

/// What a process took, as far as it has come: kilobytes of memory at most, time of the processors (proc(5)).
fn taken(child: &Child) -> Option<(u64, Duration)> {
    let read = |name: &str| fs_err::read_to_string(format!("/proc/{}/{name}", child.id())).ok();
    let status = read("status")?;
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let memory = memory.trim().trim_end_matches(" kB").parse().ok()?;
    let stat = read("stat")?;
    let fields = stat.rsplit(')').next()?.split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((memory, Duration::from_millis(ticks * 10)))
}

/// Runs the program; asserts that it stays within bounds, ends by itself and prints little. Gives its code and what it
/// said.
fn bounded(project: &Project, arguments: &[&str], what: &str) -> (Option<i32>, String) {
    let (out, err) = (project.path("out.txt"), project.path("err.txt"));
    let file = |path| Stdio::from(fs_err::File::create(path).expect("made").into_file());
    let mut child = project
        .command(arguments)
        .stdin(Stdio::null())
        .stdout(file(&out))
        .stderr(file(&err))
        .spawn()
        .expect("the program starts");
    let mut most = (0, Duration::ZERO);
    let start = Instant::now();
    let status = loop {
        most = taken(&child).unwrap_or(most);
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if most.0 > MOST_MEMORY || most.1 > MOST_TIME || start.elapsed() > Duration::from_secs(300) {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            panic!("{what}: {arguments:?} took {most:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let said = fs_err::read_to_string(&err).expect("text");
    assert!(matches!(status.code(), Some(0 | 1)), "{what}: {arguments:?} ended with {status}\n{said:.2000}");
    assert!(said.len() < 1_000_000, "{what}: {arguments:?} printed {} bytes", said.len());
    (status.code(), said)
}

fn project(recipe: &str) -> Project {
    assert!(recipe.len() <= LARGEST, "{}", recipe.len());
    Project::new(None, &[("evil", recipe)])
}

fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

fn image(body: &str) -> String {
    format!("image \"a\" from=\"scratch\" {{\nuser \"1\"\nhealthcheck \"none\" reason=\"x\"\n{body}\n}}\n")
}

/// A value of 64 KB in 240 labels, 60 variants and 7 platforms: 6.6 GB of text.
fn multiplied() -> String {
    let labels = image(&each(240, |index| format!("label \"l{index}\" \"${{a}}\"\n")));
    let variants = each(60, |index| format!("variant \"v{index}\" {{ env A \"1\"; }}\n"));
    format!("{SEVEN}let a \"{}\"\n{labels}{variants}", "x".repeat(65_000))
}

#[test]
fn a_value_times_labels_times_variants_times_platforms_is_refused() {
    let project = project(&multiplied());
    let (code, said) = bounded(&project, &["check"], "multiplied");
    assert_eq!(code, Some(1));
    let said: String = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    for part in ["texts of this recipe come to more than 16 MiB", "60 variants on 7 platforms", "recipe.kdl:", "split"]
    {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
    assert!(said.contains("1 mistake"), "what only follows from it is not told:\n{said}");
}

#[test]
fn an_editor_that_opens_it_stays_small() {
    let project = Project::new(None, &[("evil", "image \"a\" from=\"scratch\" { user \"1\"; }\n")]);
    let mut command = project.command(&["lsp"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    let uri = format!("file://{}", project.path("images/evil/recipe.kdl").display());
    let open = serde_json::json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": { "textDocument":
        { "uri": uri, "languageId": "kdl", "version": 1, "text": multiplied() } } });
    let shutdown = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "shutdown", "params": null });
    let mut to = child.stdin.take().expect("a pipe");
    for message in [open, shutdown].map(|message| message.to_string()) {
        write!(to, "Content-Length: {}\r\n\r\n{message}", message.len()).expect("it listens");
    }
    to.flush().expect("it listens");
    let mut from = BufReader::new(child.stdout.take().expect("a pipe"));
    let (mut said, mut part) = (String::new(), [0; 4096]);
    while !said.contains("\"id\":1") {
        let count = from.read(&mut part).expect("it speaks");
        assert!(count > 0, "it has ended: {said:.2000}");
        said.push_str(&String::from_utf8_lossy(&part[..count]));
    }
    let (memory, time) = taken(&child).expect("it still runs");
    assert!(said.contains("come to more than 16 MiB"), "{said:.2000}");
    assert!(memory < MOST_MEMORY && time < MOST_TIME, "{memory} kB, {time:?}");
    drop(to);
    child.wait().expect("it ends");
}

#[test]
fn recipes_of_a_mebibyte_neither_fill_memory_nor_stall() {
    let shapes: &[(&str, String)] = &[
        (
            "values of values",
            SEVEN.to_owned()
                + "let a0 \"xxxxxxxx\"\n"
                + &each(60, |n| format!("let a{} \"${{a{n}}}${{a{n}}}\"\n", n + 1)),
        ),
        ("a long text brought to every image", {
            let text = "y".repeat(500_000);
            let images = each(4000, |n| format!("image \"a{n}\" from=\"scratch\" {{ user \"1\"; }}\n"));
            format!("{SEVEN}define \"d\" {{ image {{ label \"x\" \"{text}\"; }} }}\nis \"d\"\n{images}")
        }),
        (
            "packages",
            format!(
                "platforms \"linux/amd64\"\ndefine \"d\" {{ env A \"1\"; }}\n{}",
                image(&format!("is \"d\"\npackages {}", each(50_000, |n| format!("p{n} "))))
            ),
        ),
        (
            "packages, each with many properties",
            format!(
                "platforms \"linux/amd64\"\ndefine \"d\" {{ env A \"1\"; }}\n{}",
                image(&format!(
                    "is \"d\"\npackages {}{}",
                    each(50_000, |n| format!("p{n} ")),
                    each(250, |n| format!("q{n}=1 "))
                ))
            ),
        ),
        ("brackets", format!("a {}", "(".repeat(LARGEST - 2))),
        ("escapes that never close", format!("a \"{}\"", "\\u{".repeat(300_000))),
        ("properties", format!("a {}\n", each(90_000, |n| format!("p{n}=1 ")))),
        ("mistakes", SEVEN.to_owned() + &each(19_000, |n| format!("foo{n} \"x\"\n"))),
        (
            "unknown values",
            SEVEN.to_owned()
                + &image(&each(1900, |n| format!("label \"l{n}\" \"{}\"\n", each(30, |m| format!("${{x{n}_{m}}}"))))),
        ),
        (
            "values of values that are not there",
            SEVEN.to_owned() + &each(19_000, |n| format!("let a{n} \"${{b{n}}}\"\n")),
        ),
        ("values that nobody uses", SEVEN.to_owned() + &each(19_000, |n| format!("let a{n} \"{n}\"\n"))),
        (
            "a chain of images",
            "platforms \"linux/amd64\"\nimage \"a0\" from=\"scratch\"\n".to_owned()
                + &each(19_000, |n| format!("image \"a{}\" from=\"a{n}\"\n", n + 1)),
        ),
        (
            "patterns",
            format!(
                "platforms \"linux/amd64\"\n{}",
                image(&format!("exclude {}", each(50_000, |n| format!("\"/a*{n}\" "))))
            ),
        ),
        ("variants", SEVEN.to_owned() + &each(9000, |n| format!("variant \"v{n}\" {{ env A \"1\"; }}\n"))),
        ("zero bytes", "\0".repeat(LARGEST)),
        ("blocks", "a {".repeat(300_000)),
    ];
    for (what, recipe) in shapes {
        bounded(&project(recipe), &["check"], what);
    }
}

#[test]
fn a_mistake_beyond_column_65535_is_shown() {
    let line =
        format!("image \"a\" from=\"scratch\" {{ label \"x\" \"{}\"; foo \"x\"; user \"1\" }}\n", "y".repeat(200_000));
    let project = project(&line);
    let (code, said) = bounded(&project, &["check"], "a long line");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("unknown node `foo`") && said.contains("recipe.kdl:1:2000"), "{said}");
    assert!(said.len() < 3000, "a part of the line is enough:\n{said}");
}

#[test]
fn a_million_mistakes_are_not_printed() {
    let project = project(&each(19_000, |n| format!("foo{n} \"{}\"\n", "x".repeat(20))));
    let (_, said) = bounded(&project, &["check"], "mistakes");
    assert!(said.contains("only the first 200 mistakes"), "{said:.2000}");
    assert!(said.matches("unknown node").count() <= 250, "{}", said.matches("unknown node").count());
}

const SECRET: &str = "machine git.internal login ci password hunter2-token\n";

/// A project beside a file that is none of its business.
fn beside_a_secret() -> (Project, tempfile::TempDir) {
    let outside = tempfile::tempdir().expect("a folder");
    fs_err::write(outside.path().join("netrc"), SECRET).expect("written");
    fs_err::create_dir_all(outside.path().join("leak")).expect("made");
    fs_err::write(outside.path().join("leak/recipe.kdl"), SECRET).expect("written");
    fs_err::write(outside.path().join("leak/secret-name.kdl"), SECRET).expect("written");
    let project = Project::new(
        None,
        &[("good", "image \"a\" from=\"scratch\" { user \"1\"; healthcheck \"none\" reason=\"x\"; }\n")],
    );
    (project, outside)
}

#[test]
fn linked_recipes_do_not_print_files_of_the_machine() {
    for (link, target, named) in [
        ("images/leak/recipe.kdl", "netrc", "images/leak/recipe.kdl"),
        ("images/leak", "leak", "images/leak"),
        ("images/project.kdl", "netrc", "images/project.kdl"),
    ] {
        let (project, outside) = beside_a_secret();
        let path = project.path(link);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("made");
        let _ = fs_err::remove_file(&path); // project.kdl is there
        symlink(outside.path().join(target), &path).expect("linked");
        for arguments in [&["check"][..], &["list"], &["show"], &["fmt"], &["fmt", "--check"], &["build"]] {
            let said = project.run(arguments).failed(&[named, "symbolic link"]);
            assert!(!said.contains("hunter2") && !said.contains("login"), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn linked_includes_do_not_print_files_of_the_machine() {
    let (project, outside) = beside_a_secret();
    fs_err::create_dir_all(project.path("images/lib")).expect("made");
    symlink(outside.path().join("netrc"), project.path("images/lib/x.kdl")).expect("linked");
    symlink(outside.path().join("leak"), project.path("images/lib/folder")).expect("linked");
    for file in ["x.kdl", "folder/secret-name.kdl"] {
        project.write("images/good/recipe.kdl", &format!("include \"../lib/{file}\"\n"));
        let said = project.run(&["check"]).failed(&["images/lib/", "symbolic link that leads out of the project"]);
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_link_that_stays_in_the_project_is_read() {
    let (project, _outside) = beside_a_secret();
    symlink("good", project.path("images/copy")).expect("linked");
    project.run(&["check"]).failed(&["the image `a` is declared in two recipes"]);
}

#[test]
fn a_recipe_without_end_is_not_read_to_its_end() {
    for device in ["/dev/zero", "/dev/stdin"] {
        let (project, _outside) = beside_a_secret();
        fs_err::create_dir_all(project.path("images/endless")).expect("made");
        symlink(device, project.path("images/endless/recipe.kdl")).expect("linked");
        bounded(&project, &["check"], device);
        let (code, said) = bounded(&project, &["import", "images/endless/recipe.kdl", "--kind", "dockerfile"], device);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("not a regular file"), "{said}");
    }
    let long = Project::new(None, &[("long", &format!("//{}", "x".repeat(2 << 20)))]);
    long.run(&["check"]).failed(&["1048576 are allowed", "images/long/recipe.kdl"]);
}

#[test]
fn a_suggestion_names_no_file_outside() {
    let (project, outside) = beside_a_secret();
    symlink(outside.path().join("leak"), project.path("images/good/dir")).expect("linked");
    project.write(
        "images/good/recipe.kdl",
        "image \"a\" from=\"scratch\" { user \"1\"; copy \"dir/secret-nam.kdl\" to=\"/x\"; }\n",
    );
    let said = project.run(&["check"]).failed(&["secret-nam.kdl"]);
    assert!(!said.contains("secret-name"), "{said}");
}

#[test]
fn fmt_writes_nothing_through_a_link_that_leads_out() {
    let (project, outside) = beside_a_secret();
    let untidy = "image   \"b\"    from=\"scratch\"\n";
    fs_err::write(outside.path().join("untidy.kdl"), untidy).expect("written");
    fs_err::create_dir_all(project.path("images/lib")).expect("made");
    symlink(outside.path().join("untidy.kdl"), project.path("images/lib/untidy.kdl")).expect("linked");
    for arguments in [&["fmt"][..], &["fmt", "images/lib/untidy.kdl"]] {
        project.run(arguments).failed(&["images/lib/untidy.kdl", "symbolic link"]);
    }
    assert_eq!(fs_err::read_to_string(outside.path().join("untidy.kdl")).expect("there"), untidy);
}

#[test]
fn new_and_import_write_nothing_through_a_link() {
    let (project, outside) = beside_a_secret();
    let before = fs_err::read_dir(outside.path()).expect("a folder").count();
    symlink(outside.path(), project.path("images/fresh")).expect("linked");
    project.run(&["new", "fresh"]).failed(&["images/fresh"]);
    project.write("Dockerfile", "FROM scratch\n");
    project.run(&["import", "--write", "--name", "fresh", "Dockerfile"]).failed(&["images/fresh"]);
    assert_eq!(fs_err::read_dir(outside.path()).expect("a folder").count(), before);
}
