//! Mirrors, servers and locks that lead elsewhere, back in time, or nowhere.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::archive::{Archive, Dates, Package};
use crate::support::project::Project;
use crate::support::{tool, write};

const RECIPE: &str = r#"
title "App"
image "app" {
    from "scratch"
    distribution "debian" suite="stable"
    packages "app"
    user "65532"
    healthcheck "none" reason="a test"
}
"#;

const FEBRUARY: Dates<'_> = Dates { date: "Sun, 01 Feb 2026 00:00:00 UTC", valid_until: None };

fn app(version: &str) -> Package<'_> {
    Package { name: "app", version, architecture: "all", fields: "", files: &[("/usr/share/app/file", "app\n")] }
}

/// A project that has refreshed from the archive of February with `app` 2.0; and a mirror that replays the one of
/// January, which is rightly signed.
fn replayed() -> (Archive, Project, tempfile::TempDir) {
    let archive = Archive::new(&[app("1.0")]);
    let old = tempfile::tempdir().expect("a folder");
    tool("coreutils", Command::new("cp").arg("-r").arg(archive.root()).arg(old.path()));
    archive.publish(&[app("2.0")], &FEBRUARY);
    let project = Project::new(Some(&archive), &[("app", RECIPE)]);
    project.run(&["refresh"]).done();
    assert!(project.read("lock/app.kdl").contains("\"2.0\""));
    (archive, project, old)
}

fn mirrors(project: &Project, urls: &[String]) {
    let text: String = urls.iter().map(|url| format!("mirror \"local\" \"{url}\"\n")).collect();
    project.write("environment.kdl", &text);
}

fn file_url(folder: &tempfile::TempDir) -> String {
    format!("file://{}/debian", folder.path().display())
}

#[test]
fn a_mirror_that_replays_an_older_release_moves_no_pin_back() {
    let (_archive, project, old) = replayed();
    let before = project.read("lock/app.kdl");
    mirrors(&project, &[file_url(&old)]);
    let replayed = file_url(&old);
    for arguments in [&["refresh"][..], &["refresh", "--check"], &["refresh", "app", "--only", "packages"]] {
        let texts = ["2026-01-01", "2026-02-01", &replayed, "--allow-older", "lock/archives.kdl"];
        project.run(arguments).failed(&texts);
        assert_eq!(project.read("lock/app.kdl"), before);
    }
    assert!(project.run(&["refresh", "--allow-older"]).done().contains("app\t2.0\t1.0"));
    assert!(project.read("lock/app.kdl").contains("\"1.0\""));
}

#[test]
fn behind_a_mirror_that_replays_the_next_one_is_asked() {
    let (archive, project, old) = replayed();
    archive.publish(&[app("3.0")], &FEBRUARY);
    mirrors(&project, &[file_url(&old), archive.url()]);
    // the same date is not older, though the content differs: signatures are renewed
    let said = project.run(&["refresh"]);
    assert!(said.stderr.contains("the next mirror is asked"), "{}", said.stderr);
    assert!(said.done().contains("app\t2.0\t3.0"));
}

#[test]
fn a_mirror_with_another_key_or_an_expired_release_does_not_stop_a_refresh() {
    let (archive, project, _) = replayed();
    let foreign = Archive::new(&[app("9.0")]);
    let expired = tempfile::tempdir().expect("a folder");
    let dates = Dates { valid_until: Some("Mon, 02 Feb 2026 00:00:00 UTC"), ..FEBRUARY };
    archive.publish(&[app("2.5")], &dates);
    tool("coreutils", Command::new("cp").arg("-r").arg(archive.root()).arg(expired.path()));
    archive.publish(&[app("3.0")], &FEBRUARY);
    mirrors(&project, &[foreign.url(), file_url(&expired), archive.url()]);
    assert!(project.run(&["refresh"]).done().contains("app\t2.0\t3.0"));
    // each is named where none is good
    mirrors(&project, &[foreign.url(), file_url(&expired)]);
    project.run(&["refresh"]).failed(&[&foreign.url(), &file_url(&expired), "expired on 2026-02-02"]);
}

#[test]
fn a_suite_that_the_lock_does_not_know_may_be_of_any_date() {
    let (_archive, project, old) = replayed();
    fs_err::remove_file(project.path("lock/archives.kdl")).expect("removed");
    mirrors(&project, &[file_url(&old)]);
    assert!(project.run(&["refresh"]).done().contains("app\t2.0\t1.0"));
    let lock = project.read("lock/archives.kdl");
    assert!(lock.contains("2026-01-01"), "{lock}");
}

#[test]
fn a_path_of_the_lock_does_not_leave_the_mirror() {
    let archive = Archive::new(&[app("1.0")]);
    let project = Project::new(Some(&archive), &[("app", RECIPE)]);
    project.run(&["refresh"]).done();
    let good = project.read("lock/app.kdl");
    let secret = project.path("secret");
    write(&secret, "secret");
    for path in [
        format!("file:{}", secret.display()),
        format!("file://{}", secret.display()),
        secret.display().to_string(),
        "https:evil.test/x".to_owned(),
        "https://evil.test/x".to_owned(),
        "//evil.test/x".to_owned(),
        "\\\\\\\\evil.test\\\\x".to_owned(),
        "../outside".to_owned(),
        "pool/../../outside".to_owned(),
        "pool/%2e%2e/%2e%2e/outside".to_owned(),
        "pool/%2fetc".to_owned(),
        "pool/x?y".to_owned(),
        "pool/x#y".to_owned(),
        "pool//x".to_owned(),
        "pool/./x".to_owned(),
        String::new(),
    ] {
        let text = good.replace("path=\"pool/app_1.0_all.deb\"", &format!("path=\"{path}\""));
        assert_ne!(text, good, "{path}");
        project.write("lock/app.kdl", &text);
        project.run(&["build"]).failed(&["lock/app.kdl:", "path"]);
    }
    project.write("lock/app.kdl", &good);
    project.run(&["build"]).done();
}

#[test]
fn the_path_of_an_index_does_not_leave_the_mirror() {
    let archive = Archive::new(&[app("1.0")]);
    let project = Project::new(Some(&archive), &[("app", RECIPE)]);
    for path in ["file:/etc/passwd", "pool/app:1.deb", "pool/%2e%2e/x", "../x"] {
        let packages = "Packages";
        let dist = archive.root().join("dists/stable/main/binary-amd64");
        let text = fs_err::read_to_string(dist.join(packages)).expect("an index");
        let line = text.lines().find(|line| line.starts_with("Filename:")).expect("a path").to_owned();
        write(&dist.join(packages), text.replace(&line, &format!("Filename: {path}")));
        tool("xz-utils", Command::new("xz").arg("-kf").arg(dist.join(packages)));
        resign(&archive);
        project.run(&["refresh"]).failed(&["is not a path within an archive"]);
    }
}

/// Signs the archive's release file anew, with the hash of its changed index.
fn resign(archive: &Archive) {
    let dist = archive.root().join("dists/stable");
    let index = dist.join("main/binary-amd64/Packages.xz");
    let text = crate::support::text_of("coreutils", Command::new("sha256sum").arg(&index));
    let hash = text.split_whitespace().next().expect("a hash");
    let size = fs_err::metadata(&index).expect("there").len();
    let release = fs_err::read_to_string(dist.join("Release")).expect("a release file");
    let lines = release.lines().map(|line| match line.ends_with(" main/binary-amd64/Packages.xz") {
        true => format!(" {hash} {size} main/binary-amd64/Packages.xz\n"),
        false => format!("{line}\n"),
    });
    archive.sign(&lines.collect::<String>());
}

#[test]
fn a_lock_that_is_a_link_or_a_device_is_not_read() {
    let project = Project::new(None, &[("app", "title \"App\"\n")]);
    write(&project.path("secret"), "machine a login b password hunter2\n");
    let lock = project.path("lock/app.kdl");
    fs_err::create_dir_all(project.path("lock")).expect("made");
    for target in ["/dev/zero", "/dev/tty", "../secret", "/proc/self/environ"] {
        fs_err::os::unix::fs::symlink(target, &lock).expect("linked");
        let start = Instant::now();
        let said = project.run(&["check"]).failed(&["app.kdl", "it is a symbolic link"]);
        assert!(!said.contains("hunter2") && start.elapsed() < Duration::from_secs(10), "{said}");
        fs_err::remove_file(&lock).expect("removed");
    }
    tool("coreutils", Command::new("mkfifo").arg(&lock));
    project.run(&["check"]).failed(&["app.kdl", "not a regular file"]);
    // nor is the folder a link
    fs_err::remove_dir_all(project.path("lock")).expect("removed");
    write(&project.path("elsewhere/app.kdl"), "created \"2026-01-01T00:00:00Z\"\n");
    fs_err::os::unix::fs::symlink("elsewhere", project.path("lock")).expect("linked");
    project.run(&["check"]).failed(&["lock", "link"]);
}

/// A server with a certificate for `localhost`, whose files are whole answers; ends when dropped.
struct Tls {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Tls {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            command.current_dir(folder.path()).args(arguments.split(' ')).stdin(Stdio::null()).stderr(Stdio::null());
            command
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        tool("openssl", &mut openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=ca")));
        tool("openssl", &mut openssl(&format!("req {key} -keyout key.pem -out request.pem -subj /CN=server")));
        write(&folder.path().join("names"), "subjectAltName=DNS:localhost\n");
        let sign =
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile names";
        tool("openssl", &mut openssl(sign));
        let mut server = openssl("s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -HTTP");
        let mut process = server.stdout(Stdio::piped()).spawn().expect("install the package openssl");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let port =
            lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ACCEPT ")?.rsplit(':').next()?.parse().ok());
        Self { process, folder, port: port.expect("a port") }
    }

    fn redirect(&self, path: &str, target: &str) {
        let answer =
            format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        write(&self.folder.path().join(path), answer);
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// Answers everything with 200 and notes the heads of requests.
fn plain_server() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heads);
    std::thread::spawn(move || {
        for stream in listener.incoming().take(100) {
            let mut stream = stream.expect("a connection");
            let mut head = vec![0; 1 << 14];
            let read = stream.read(&mut head).unwrap_or(0);
            noted.lock().expect("heads").push(String::from_utf8_lossy(&head[..read]).into_owned());
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nevil");
        }
    });
    (port, heads)
}

#[test]
fn a_download_and_a_repository_over_https_are_not_moved_to_http() {
    let (tls, (plain, heads)) = (Tls::start(), plain_server());
    tls.redirect("file", &format!("http://localhost:{plain}/file"));
    let list = "x.git/info/refs?service=git-upload-pack";
    tls.redirect(list, &format!("http://localhost:{plain}/{list}"));
    let recipe = |source: &str| format!("title \"A\"\nsource \"s\" {{\n    {source}\n}}\n");
    let sources = [
        format!("download \"https://localhost:{}/file\"", tls.port),
        format!("git \"https://localhost:{}/x.git\" branch=\"main\"", tls.port),
    ];
    for source in sources {
        let project = Project::new(None, &[("a", &recipe(&source))]);
        write(&project.path("netrc"), format!("machine localhost:{plain} login me password hunter2\n"));
        let environment = format!("authority \"{}\"\nnetrc \"netrc\"\n", tls.authority().display());
        project.write("environment.kdl", &environment);
        project.run(&["refresh"]).failed(&["redirects to `http://localhost`, away from an encrypted connection"]);
        assert!(!project.path("lock/a.kdl").exists());
    }
    assert!(heads.lock().expect("heads").is_empty());
}

#[test]
fn a_login_is_not_sent_in_the_clear_unless_the_environment_says_so() {
    let (plain, heads) = plain_server();
    let recipe = format!("title \"A\"\nsource \"s\" {{\n    download \"http://localhost:{plain}/file\"\n}}\n");
    let project = Project::new(None, &[("a", &recipe)]);
    write(&project.path("netrc"), format!("machine localhost:{plain} login me password hunter2\n"));
    for (line, expected) in [("", false), ("plain-login \"localhost\"\n", false), ("plain", true)] {
        let allowed = format!("plain-login \"localhost:{plain}\"\n");
        project.write("environment.kdl", &format!("netrc \"netrc\"\n{}", if expected { &allowed } else { line }));
        project.run(&["refresh"]).done();
        let heads = std::mem::take(&mut *heads.lock().expect("heads"));
        let sent = heads.iter().any(|head| head.to_ascii_lowercase().contains("\r\nauthorization: basic"));
        assert!(!heads.is_empty() && sent == expected, "{line}: {heads:?}");
    }
}

#[test]
fn a_git_commit_that_unpacks_to_gigabytes_costs_no_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let bare = folder.path().join("x.git");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder.path()).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command
    };
    tool("git", &mut git(&["init", "--quiet", "--bare", "x.git"]));
    // a loose object of 1 GiB, from a stream: `commit SIZE`, a zero byte, and as many letters
    let script = "printf 'commit 1073741824\\0'; head -c 1073741824 /dev/zero | tr '\\0' x";
    let made = "import sys,zlib;z=zlib.compressobj(1);o=sys.stdout.buffer\n\
                for p in iter(lambda: sys.stdin.buffer.read(1<<20), b''): o.write(z.compress(p))\no.write(z.flush())";
    let id = "0123456789012345678901234567890123456789";
    let object = bare.join("objects/01").join(&id[2..]);
    write(&object, "");
    let shell = format!("{{ {script}; }} | python3 -c \"$1\" > \"$2\"");
    tool("python3", Command::new("sh").args(["-c", &shell, "sh", made]).arg(&object));
    write(&bare.join("refs/heads/main"), format!("{id}\n"));
    let recipe = format!("title \"A\"\nsource \"s\" {{\n    git \"file://{}\" branch=\"main\"\n}}\n", bare.display());
    let project = Project::new(None, &[("a", &recipe)]);
    let program = project.command(&["refresh"]);
    // with a quarter of what the object would take
    let mut limited = Command::new("prlimit");
    limited.args(["--data=268435456", "--"]).arg(program.get_program()).args(program.get_args());
    let output = limited.env("NO_COLOR", "1").env("COLUMNS", "400").output().expect("install the package util-linux");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && text.contains("1073741824 bytes"), "{:?}\n{text}", output.status);
}
