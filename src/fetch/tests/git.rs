//! Git repositories, made and served by git itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::server::{Reply, Request, Server};
use super::*;
use crate::model::{Place, Spanned};
use crate::recipe::GitReference;
use crate::store::digest_tree;

/// Repositories in a folder: `lib.git`, and `main.git` which has it as a submodule at `lib`.
pub(super) struct Repositories {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Store,
}

fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"]);
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in [("NAME", "A"), ("EMAIL", "a@example.org"), ("DATE", "1500000000 +0000")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
}

pub(super) fn run(folder: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = git(folder, arguments).output().expect("install the package git");
    assert!(status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).trim().to_owned()
}

/// Runs git with this on its stdin.
pub(super) fn feed(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = git(folder, arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git");
    child.stdin.take().expect("a pipe").write_all(input).expect("written");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Repositories {
    pub(super) fn new() -> Self {
        let (folder, store) = store();
        let this = Self { folder, store };
        let lib = this.create("lib");
        fs_err::write(lib.join("lib.c"), "int lib;\n").expect("written");
        this.commit("lib", "first");
        let main = this.create("main");
        fs_err::create_dir_all(main.join("src/deep")).expect("made");
        fs_err::write(main.join("src/deep/empty"), "").expect("written");
        fs_err::write(main.join("src/main.c"), "int main;\n").expect("written");
        fs_err::write(main.join("configure"), "#!/bin/sh\n").expect("written");
        std::fs::set_permissions(main.join("configure"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("chmod");
        fs_err::os::unix::fs::symlink("src/main.c", main.join("link")).expect("linked");
        run(&main, &["submodule", "--quiet", "add", "../lib.git", "lib"]);
        this.commit("main", "first");
        fs_err::write(main.join("src/main.c"), "int main(void);\n").expect("written");
        this.commit("main", "second");
        run(&main, &["tag", "-a", "-m", "a release", "v1"]);
        run(&main, &["tag", "light"]);
        fs_err::write(main.join("later"), "later\n").expect("written");
        this.commit("main", "third");
        run(&main, &["push", "--quiet", "--tags", "origin", "main"]);
        this
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A bare repository and a working copy of it.
    fn create(&self, name: &str) -> PathBuf {
        run(self.folder.path(), &["init", "--quiet", "--bare", &format!("{name}.git")]);
        run(self.folder.path(), &["clone", "--quiet", &format!("{name}.git"), name]);
        self.path(name)
    }

    fn commit(&self, name: &str, message: &str) -> String {
        let work = self.path(name);
        run(&work, &["add", "--all"]);
        run(&work, &["commit", "--quiet", "--message", message]);
        run(&work, &["push", "--quiet", "origin", "HEAD:main"]);
        run(&work, &["rev-parse", "HEAD"])
    }

    pub(super) fn id(&self, revision: &str) -> String {
        run(&self.path("main"), &["rev-parse", revision])
    }

    /// What git itself checks out.
    fn clone(&self, revision: &str) -> PathBuf {
        let target = self.path(&format!("clone-{}", revision.replace(['^', '{', '}', '~'], "-")));
        let name = target.to_string_lossy().into_owned();
        run(self.folder.path(), &["clone", "--quiet", "main.git", &name]);
        run(&target, &["checkout", "--quiet", revision]);
        run(&target, &["submodule", "--quiet", "update", "--init", "--recursive"]);
        for git in [".git", "lib/.git"] {
            crate::store::remove_tree(&target.join(git)).expect("removed");
        }
        target
    }

    pub(super) fn checkout(&self, url: &str, commit: &str) -> Result<PathBuf, FetchError> {
        let number = fs_err::read_dir(self.folder.path()).expect("a folder").count();
        let target = self.path(&format!("tree{number}"));
        fetcher().git_checkout(&self.store, url, commit, &target)?;
        Ok(target)
    }

    /// Serves the repositories over http, as a web server with `git http-backend` does.
    pub(super) fn http(&self) -> Server {
        let root = self.folder.path().to_owned();
        Server::start(move |request| cgi(&root, request))
    }
}

#[test]
fn a_git_server_in_trouble_is_asked_again() {
    let repositories = Repositories::new();
    let root = repositories.folder.path().to_owned();
    let server = Server::start(move |request| match request.earlier {
        0 => Reply::status(503),
        _ => cgi(&root, request),
    });
    let tree = repositories.checkout(server.url("main.git").as_str(), &repositories.id("main")).expect("fetched");
    assert!(tree.join("lib/lib.c").exists());
}

pub(super) fn cgi(root: &Path, request: &Request) -> Reply {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    if let Some(rest) = path.strip_prefix("/moved/") {
        return Reply::status(301).with("Location", &format!("/{rest}?{query}"));
    }
    let mut command = git(root, &["http-backend"]);
    command.env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1").env("PATH_INFO", path);
    command.env("QUERY_STRING", query).env("REQUEST_METHOD", &request.method);
    command.env("CONTENT_TYPE", request.header("content-type"));
    command.env("CONTENT_LENGTH", request.body.len().to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("install the package git");
    let (mut stdin, body) = (child.stdin.take().expect("a pipe"), request.body.clone());
    std::thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output().expect("an end").stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").expect("a CGI answer");
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let mut reply = Reply::ok(&output[end + 4..]);
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        match name {
            "Status" => reply = Reply::status(value[..3].parse().expect("a status")),
            _ => reply = reply.with(name, value),
        }
    }
    reply
}

fn spanned(text: &str) -> Spanned<String> {
    let file = crate::model::SourceMap::default().add("recipe.kdl", String::new());
    Spanned::new(text.to_owned(), Place { file, offset: 0, length: 0 })
}

fn tag(name: &str) -> GitReference {
    GitReference::Tag(spanned(name))
}

#[test]
fn tags_are_peeled_branches_followed_and_commits_believed() {
    let repositories = Repositories::new();
    let server = repositories.http();
    let http = server.url("main.git").to_string();
    let path = repositories.path("main.git").to_string_lossy().into_owned();
    let file = format!("file://{path}");
    for url in [http.as_str(), &path, &file, server.url("moved/main.git").as_str(), &format!("{http}/")] {
        let resolve = |reference| fetcher().git_resolve(url, &reference).map(|pin| pin.commit);
        assert_eq!(resolve(tag("v1")).expect("resolved"), repositories.id("v1^{commit}"), "{url}");
        assert_eq!(resolve(tag("light")).expect("resolved"), repositories.id("light"), "{url}");
        assert_eq!(resolve(GitReference::Branch(spanned("main"))).expect("resolved"), repositories.id("main"), "{url}");
        let error = resolve(tag("v2")).expect_err("no such tag").to_string();
        assert!(error.ends_with("has no tag `v2`; did you mean `v1`?"), "{error}");
    }
    let commit = GitReference::Commit(spanned(&repositories.id("main")));
    let before = server.requests().len();
    assert_eq!(fetcher().git_resolve(&http, &commit).expect("resolved").commit, repositories.id("main"));
    assert_eq!(server.requests().len(), before, "nobody is asked");
    assert!(fetcher().git_resolve(&http, &GitReference::Commit(spanned("abc123"))).is_err());
    let listed = fetcher().git_list(&http).expect("listed");
    assert!(listed.contains(&("refs/heads/main".to_owned(), repositories.id("main"))), "{listed:?}");
}

#[test]
fn a_tree_is_what_git_checks_out_however_it_is_fetched() {
    let repositories = Repositories::new();
    let server = repositories.http();
    let path = repositories.path("main.git").to_string_lossy().into_owned();
    let urls = [
        path.clone(),
        format!("file://{path}"),
        server.url("main.git").to_string(),
        server.url("moved/main.git").to_string(),
    ];
    for revision in ["v1", "main", "main~2"] {
        let expected = digest_tree(&repositories.clone(revision)).expect("a digest");
        let commit = repositories.id(&format!("{revision}^{{commit}}"));
        for url in &urls {
            let tree = repositories.checkout(url, &commit).unwrap_or_else(|error| panic!("{url} {revision}: {error}"));
            assert_eq!(digest_tree(&tree).expect("a digest"), expected, "{url} {revision}");
            assert!(!tree.join(".git").exists() && tree.join("lib/lib.c").exists());
            let mode =
                |name: &str| std::os::unix::fs::MetadataExt::mode(&fs_err::metadata(tree.join(name)).expect("there"));
            assert_eq!((mode("configure") & 0o7777, mode("src/main.c") & 0o7777), (0o755, 0o644));
        }
    }
}

#[test]
fn only_the_commit_is_fetched_where_the_server_allows() {
    let repositories = Repositories::new();
    let commit = repositories.id("main~2");
    // a request tells its depth: `deepen 1`
    let shallow = |server: &Server| {
        let posts = server
            .requests()
            .into_iter()
            .filter(|request| request.method == "POST" && request.target.starts_with("/main.git"));
        posts.map(|request| String::from_utf8_lossy(&request.body).contains("deepen 1")).collect::<Vec<bool>>()
    };
    let server = repositories.http();
    repositories.checkout(server.url("main.git").as_str(), &commit).expect("fetched whole");
    assert!(shallow(&server).last().is_some_and(|last| !last), "not allowed: all comes");
    run(&repositories.path("main.git"), &["config", "uploadpack.allowReachableSHA1InWant", "true"]);
    let server = repositories.http();
    repositories.checkout(server.url("main.git").as_str(), &commit).expect("fetched by id");
    let all = |rounds: Vec<bool>| !rounds.is_empty() && rounds.into_iter().all(|shallow| shallow);
    assert!(all(shallow(&server)));
    run(&repositories.path("main.git"), &["config", "uploadpack.allowReachableSHA1InWant", "false"]);
    let server = repositories.http();
    repositories.checkout(server.url("main.git").as_str(), &repositories.id("v1^{commit}")).expect("fetched by tag");
    assert!(all(shallow(&server)), "a tag points at it");
}

#[test]
fn the_git_protocol_works_as_well() {
    let repositories = Repositories::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
    let base = format!("--base-path={}", repositories.folder.path().display());
    let mut daemon = git(
        repositories.folder.path(),
        &["daemon", "--export-all", "--listen=127.0.0.1", &format!("--port={port}"), "--reuseaddr", &base],
    );
    let mut daemon = daemon.stderr(Stdio::null()).process_group_leader().spawn().expect("install the package git");
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let url = format!("git://127.0.0.1:{port}/main.git");
    let outcome = fetcher().git_resolve(&url, &tag("v1")).and_then(|pin| repositories.checkout(&url, &pin.commit));
    let group = rustix::process::Pid::from_raw(i32::try_from(daemon.id()).expect("a pid")).expect("a pid");
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).expect("ended");
    daemon.wait().expect("an end");
    let expected = digest_tree(&repositories.clone("v1")).expect("a digest");
    assert_eq!(digest_tree(&outcome.expect("fetched")).expect("a digest"), expected);
}

trait Group {
    fn process_group_leader(&mut self) -> &mut Self;
}

impl Group for Command {
    fn process_group_leader(&mut self) -> &mut Self {
        std::os::unix::process::CommandExt::process_group(self, 0)
    }
}

#[test]
fn bytes_are_those_of_the_commit_whatever_the_attributes_say() {
    let repositories = Repositories::new();
    let main = repositories.path("main");
    let attributes = "*.txt text eol=crlf\nsecret export-ignore\nversion export-subst ident\n";
    fs_err::write(main.join(".gitattributes"), attributes).expect("written");
    for (name, text) in [("a.txt", "one\ntwo\n"), ("secret", "kept\n"), ("version", "$Format:%H$ $Id$\n")] {
        fs_err::write(main.join(name), text).expect("written");
    }
    let commit = repositories.commit("main", "attributes");
    let path = repositories.path("main.git").to_string_lossy().into_owned();
    let tree = repositories.checkout(&path, &commit).expect("fetched");
    let read = |name: &str| fs_err::read_to_string(tree.join(name)).expect("there");
    assert_eq!([read("a.txt"), read("secret"), read("version")], ["one\ntwo\n", "kept\n", "$Format:%H$ $Id$\n"]);
}

/// A commit whose tree has these raw bytes.
pub(super) fn hostile(repositories: &Repositories, entries: &[(&str, &str, &str)]) -> String {
    let bare = repositories.path("main.git");
    let mut raw = Vec::new();
    for (mode, name, id) in entries {
        raw.extend([format!("{mode} {name}").as_bytes(), &[0]].concat());
        raw.extend((0..20).map(|index| u8::from_str_radix(&id[2 * index..2 * index + 2], 16).expect("hexadecimal")));
    }
    let tree = feed(&bare, &["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &raw);
    let commit = format!("tree {tree}\nauthor A <a@example.org> 1 +0000\ncommitter A <a@example.org> 1 +0000\n\nx\n");
    let commit = feed(&bare, &["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], commit.as_bytes());
    run(&bare, &["update-ref", "refs/heads/hostile", &commit]);
    commit
}

#[test]
fn a_tree_that_would_leave_its_folder_is_refused() {
    let repositories = Repositories::new();
    let bare = repositories.path("main.git");
    let blob = feed(&bare, &["hash-object", "-w", "--stdin"], b"evil");
    let out = feed(&bare, &["hash-object", "-w", "--stdin"], repositories.path("outside").to_string_lossy().as_bytes());
    let tree = run(&bare, &["rev-parse", "main^{tree}"]);
    fs_err::create_dir(repositories.path("outside")).expect("made");
    let cases: [&[(&str, &str, &str)]; 6] = [
        &[("100644", "..", &blob)],
        &[("40000", "..", &tree)],
        &[("100644", "../evil", &blob)],
        &[("40000", ".git", &tree)],
        &[("40000", ".GIT", &tree)],
        &[("120000", "a", &out), ("40000", "a", &tree)],
    ];
    for case in cases {
        let commit = hostile(&repositories, case);
        let error = repositories.checkout(&bare.to_string_lossy(), &commit).expect_err("refused");
        assert!(
            matches!(error, FetchError::Tree { .. } | FetchError::File { .. } | FetchError::Git { .. }),
            "{case:?}: {error}"
        );
        assert_eq!(fs_err::read_dir(repositories.path("outside")).expect("a folder").count(), 0, "{case:?}");
    }
    let commit = hostile(&repositories, &[("160000", "stray", &tree)]);
    let tree = repositories.checkout(&bare.to_string_lossy(), &commit).expect("an unmentioned submodule is a folder");
    assert_eq!(fs_err::read_dir(tree.join("stray")).expect("a folder").count(), 0);
}

#[test]
fn limits_hold_for_trees_and_for_what_is_received() {
    let repositories = Repositories::new();
    let server = repositories.http();
    let (url, commit) = (server.url("main.git").to_string(), repositories.id("main"));
    let limits = [
        (FetchLimits { git_pack: 100, ..FetchLimits::default() }, "more than 100 bytes came"),
        (FetchLimits { git_file: 10, ..FetchLimits::default() }, "10 are allowed"),
        (FetchLimits { tree_bytes: 20, ..FetchLimits::default() }, "more bytes than are allowed"),
        (FetchLimits { tree_entries: 3, ..FetchLimits::default() }, "more files and folders than are allowed"),
    ];
    for (limits, message) in limits {
        let fetcher = Fetcher::new(FetchConfig { limits, ..config() }).expect("a fetcher");
        let dest = repositories.store.tmp_dir().expect("a folder");
        let error = fetcher.git_checkout(&repositories.store, &url, &commit, dest.path()).expect_err("too much");
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn submodules_have_bounds() {
    let repositories = Repositories::new();
    let mut inner = "lib.git".to_owned();
    for depth in 0..10 {
        let name = format!("nest{depth}");
        let work = repositories.create(&name);
        run(&work, &["submodule", "--quiet", "add", &format!("../{inner}"), "inner"]);
        repositories.commit(&name, "nested");
        inner = format!("{name}.git");
    }
    let commit = |name: &str| run(&repositories.path(name), &["rev-parse", "HEAD"]);
    let path = |name: &str| repositories.path(&format!("{name}.git")).to_string_lossy().into_owned();
    let tree = repositories.checkout(&path("nest7"), &commit("nest7")).expect("eight are allowed");
    assert!(tree.join("inner/".repeat(8)).join("lib.c").exists());
    let error = repositories.checkout(&path("nest8"), &commit("nest8")).expect_err("nine are not");
    assert!(error.to_string().contains("more than 8 within each other"), "{error}");
    // from elsewhere, repositories of this machine cannot be reached
    let work = repositories.create("reach");
    run(&work, &["submodule", "--quiet", "add", &path("lib"), "lib"]);
    let commit = repositories.commit("reach", "reaches");
    let server = repositories.http();
    let error = repositories.checkout(server.url("reach.git").as_str(), &commit).expect_err("refused");
    assert!(error.to_string().contains("is on this machine"), "{error}");
    repositories.checkout(&path("reach"), &commit).expect("on this machine it may");
}

#[test]
fn what_cannot_be_fetched_is_said_in_words() {
    let repositories = Repositories::new();
    let server = repositories.http();
    let commit = repositories.id("main");
    let page = Server::start(|_| Reply::ok(b"<html>").with("Content-Type", "text/html"));
    let cases = [
        ("git@host.example:a/b.git".to_owned(), "only http, https, git and file URLs"),
        ("ssh://git@host.example/a/b".to_owned(), "only http, https, git and file URLs"),
        (server.url("none.git").to_string(), "the server says 404 Not Found"),
        (page.url("main.git").to_string(), "is this the URL of a repository?"),
        (repositories.path("none.git").to_string_lossy().into_owned(), "none.git"),
    ];
    for (url, message) in cases {
        let error = repositories.checkout(&url, &commit).expect_err("no repository");
        assert!(error.to_string().contains(message) && error.help().is_some(), "{url}: {error}");
    }
    let unknown = "0123456789012345678901234567890123456789";
    let error = repositories.checkout(server.url("main.git").as_str(), unknown).expect_err("no such commit");
    assert!(error.to_string().contains("none of its branches and tags"), "{error}");
    let offline = Fetcher::new(FetchConfig { offline: true, ..config() }).expect("a fetcher");
    let dest = repositories.store.tmp_dir().expect("a folder");
    let url = server.url("main.git");
    let error = offline.git_checkout(&repositories.store, url.as_str(), &commit, dest.path()).expect_err("offline");
    assert!(matches!(error, FetchError::Offline { .. }));
    let path = repositories.path("main.git").to_string_lossy().into_owned();
    assert!(offline.git_resolve(&path, &tag("v1")).is_ok(), "this machine needs no network");
}
