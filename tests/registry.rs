//! Images of registries as bases: pushed by skopeo into Debian's docker-registry, pinned, fetched, built on.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::support::project::Project;
use crate::support::{text_of, tool, write};

/// A registry on the loopback interface; it ends with the value.
struct Registry {
    process: Child,
    folder: tempfile::TempDir,
    address: String,
}

impl Registry {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address").to_string();
        drop(free);
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{ level: info }}\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            folder.path().join("data").display()
        );
        write(&config, text);
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("docker-registry: install the package `docker-registry`");
        let mut lines = BufReader::new(process.stderr.take().expect("piped")).lines().map_while(Result::ok);
        assert!(lines.by_ref().take(100).any(|line| line.contains("listening on")), "docker-registry does not start");
        std::thread::spawn(move || lines.for_each(drop)); // or it would wait for somebody to read
        Self { process, folder, address }
    }

    /// Pushes an image of a layout with all its platforms; its digest there.
    fn push(&self, layout: &str, name: &str, format: &str) -> String {
        let target = format!("docker://{}/{name}", self.address);
        let mut copy = Command::new("skopeo");
        copy.args(["--insecure-policy", "copy", "-q", "--all", "--dest-tls-verify=false", "--format", format]);
        tool("skopeo", copy.args([layout, &target]));
        let digest = self.folder.path().join("digest");
        let mut raw = Command::new("skopeo");
        let manifest = tool("skopeo", raw.args(["inspect", "--raw", "--tls-verify=false", &target])).stdout;
        write(&digest, manifest);
        let hash = text_of("coreutils", Command::new("sha256sum").arg(&digest));
        format!("sha256:{}", hash.split(' ').next().expect("a hash"))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const BASE: &str = r#"
image "base" from="scratch" {
    file "/etc/base" "of the base"
    file "/bin/base" "a program" mode="0755"
    file "/opt/old/file" "old"
    file "/opt/kept" "kept"
    account "base" uid=1500
    user "base"
    env FROM_BASE "yes"
    command "/bin/base"
}
"#;

/// A base of two platforms in a registry, in the form of the OCI or of Docker; and a project whose image builds on it.
fn on_a_base(registry: &Registry, format: &str) -> Project {
    let base = Project::new(None, &[("base", BASE)]);
    base.run(&["build"]).done();
    let layout = format!("oci:{}:base", base.path("dist").display());
    let digest = registry.push(&layout, "team/base:1", format);
    let reference = format!("{}/team/base:1@{digest}", registry.address);
    let recipe = format!(
        "image \"app\" oci=\"{reference}\" {{\n    remove \"/opt/old\"\n    file \"/etc/app\" \"of the app\"\n    account \"app\" uid=2000\n    user \"app\"\n    env OWN \"yes\"\n}}\n"
    );
    let project = Project::new(None, &[("app", &recipe)]);
    project.write("base-digest", &digest);
    project
}

fn manifest(project: &Project, reference: &str) -> serde_json::Value {
    let mut inspect = Command::new("skopeo");
    inspect.args(["--override-arch=arm64", "--override-os=linux", "inspect", "--config"]);
    let config = text_of("skopeo", inspect.arg(format!("oci:{}:{reference}", project.path("dist").display())));
    serde_json::from_str(&config).expect("JSON")
}

#[test]
fn an_image_builds_on_one_of_a_registry_and_reuses_its_layers() {
    let registry = Registry::start();
    let project = on_a_base(&registry, "oci");
    let before = project.run(&["build"]).failed(&["not in the lock: the base of image app", "orchestrate refresh app"]);
    assert!(before.contains("images/app/recipe.kdl"), "{before}");
    let moved = project.run(&["refresh"]).done();
    assert!(moved.contains("image app linux/arm64"), "{moved}");
    let lock = project.read("lock/app.kdl");
    assert!(lock.contains("base image=\"app\" platform=\"linux/arm64\"") && lock.contains("    layer size="), "{lock}");
    project.run(&["refresh", "--check"]).done();
    project.run(&["fetch"]).done();
    drop(registry); // a build after that needs nobody
    project.run(&["build", "--offline"]).done();

    let config = manifest(&project, "app");
    assert_eq!(config["config"]["User"], "app");
    let env = config["config"]["Env"].to_string();
    assert!(env.contains("FROM_BASE=yes") && env.contains("OWN=yes"), "{env}");
    assert_eq!(config["config"]["Cmd"][0], "/bin/base");
    assert_eq!(config["rootfs"]["diff_ids"].as_array().map(Vec::len), Some(2));

    let single = project.path("single");
    let mut copy = Command::new("skopeo");
    copy.args(["--insecure-policy", "--override-arch=arm64", "--override-os=linux", "copy", "-q"]);
    let from = format!("oci:{}:app", project.path("dist").display());
    tool("skopeo", copy.args([&from, &format!("oci:{}:one", single.display())]));
    let bundle = project.path("bundle");
    let mut unpack = Command::new("umoci");
    unpack.args(["unpack", "--rootless", "--image", &format!("{}:one", single.display())]).arg(&bundle);
    tool("umoci", &mut unpack);
    let file = |path: &str| fs_err::read_to_string(bundle.join("rootfs").join(path));
    assert_eq!(file("etc/base").expect("there"), "of the base");
    assert_eq!(file("etc/app").expect("there"), "of the app");
    assert_eq!(file("opt/kept").expect("there"), "kept");
    assert!(file("opt/old/file").is_err());
    let passwd = file("etc/passwd").expect("there");
    assert!(passwd.contains("base:x:1500:") && passwd.contains("app:x:2000:"), "{passwd}");
    let raw = fs_err::read_to_string(single.join("index.json")).expect("there");
    let digest = serde_json::from_str::<serde_json::Value>(&raw).expect("JSON")["manifests"][0]["digest"].clone();
    let digest = digest.as_str().expect("a digest").trim_start_matches("sha256:").to_owned();
    let manifest = fs_err::read_to_string(single.join("blobs/sha256").join(digest)).expect("there");
    let base = project.read("base-digest");
    assert!(manifest.contains(&format!("\"org.opencontainers.image.base.digest\":\"{base}\"")), "{manifest}");
}

#[test]
fn an_image_in_dockers_older_form_is_a_base_as_well() {
    let registry = Registry::start();
    let project = on_a_base(&registry, "v2s2");
    project.run(&["refresh"]).done();
    project.run(&["build", "--platform", "linux/arm64"]).done();
    assert_eq!(manifest(&project, "app")["architecture"], "arm64");
}

#[test]
fn a_base_that_is_not_there_is_named_with_its_place() {
    let registry = Registry::start();
    let digest = format!("sha256:{}", "0".repeat(64));
    let recipe = format!("image \"app\" oci=\"{}/no/such@{digest}\" {{ user \"1\" }}\n", registry.address);
    let project = Project::new(None, &[("app", &recipe)]);
    let said =
        project.run(&["refresh"]).failed(&["cannot pin the base of image `app` for linux/amd64", "404 Not Found"]);
    assert!(said.contains("images/app/recipe.kdl:1"), "{said}");
}

/// Nobody vouches for a registry: what it serves under a digest must have it.
#[test]
fn a_registry_that_serves_something_else_is_refused() {
    let registry = Registry::start();
    let project = on_a_base(&registry, "oci");
    let digest = project.read("base-digest");
    let hex = digest.trim_start_matches("sha256:");
    let stored = registry.folder.path().join(format!("data/docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]));
    let changed = fs_err::read_to_string(&stored).expect("there").replacen("amd64", "arm64", 1);
    fs_err::write(&stored, changed).expect("written");
    project.run(&["refresh"]).failed(&["cannot pin the base of image `app` for linux/amd64"]);
    assert!(!project.path("lock/app.kdl").exists());
}

/// A reviewer sees the digest in the recipe; the blobs in the lock must be those that it stands for.
#[test]
fn a_lock_that_names_the_blobs_of_another_image_is_refused() {
    let registry = Registry::start();
    let project = on_a_base(&registry, "oci");
    project.run(&["refresh"]).done();
    project.run(&["fetch"]).done();
    let lock = project.read("lock/app.kdl");
    let swapped = lock.replace("linux/amd64", "linux/-").replace("linux/arm64", "linux/amd64");
    project.write("lock/app.kdl", &swapped.replace("linux/-", "linux/arm64"));
    assert_ne!(project.read("lock/app.kdl"), lock);
    project.run(&["build"]).failed(&["for linux/amd64 has another configuration or other layers than the lock says"]);
    project.run(&["build", "--offline"]).failed(&["cannot ask the registry whether"]);
    assert_eq!(project.run(&["refresh", "--check"]).code, Some(3));
    project.run(&["refresh"]).done();
    assert_eq!(project.read("lock/app.kdl"), lock);
    project.run(&["build", "--offline"]).done();
}

/// Layers that another program made, with everything that a layer can say about those below it.
const LAYERS: &[&str] = &[
    "mkdir -p a d o; echo x > a/x; echo y > a/y; echo h > h1; ln h1 h2; echo d > d/file; echo o > o/old; echo f > f; ln -s f link; echo s > s; chmod 4755 s",
    "rm a/x h1; rm -r d; echo now > d; rm -r o; mkdir o; echo new > o/new; mkdir f2; rm f; mkdir f; echo in > f/in",
];

#[test]
fn whiteouts_and_links_of_foreign_layers_mean_what_umoci_means_by_them() {
    let registry = Registry::start();
    let folder = tempfile::tempdir().expect("a folder");
    let layout = folder.path().join("layout");
    let image = format!("{}:it", layout.display());
    let umoci = |arguments: &[&str]| tool("umoci", Command::new("umoci").args(arguments));
    umoci(&["init", "--layout", &layout.display().to_string()]);
    umoci(&["new", "--image", &image]);
    umoci(&["config", "--image", &image, "--architecture=amd64", "--os=linux", "--config.user=7"]);
    for (number, script) in LAYERS.iter().enumerate() {
        let bundle = folder.path().join(number.to_string());
        umoci(&["unpack", "--rootless", "--image", &image, &bundle.display().to_string()]);
        tool("dash", Command::new("sh").args(["-ec", script]).current_dir(bundle.join("rootfs")));
        umoci(&["repack", "--image", &image, &bundle.display().to_string()]);
    }
    let digest = registry.push(&format!("oci:{}:it", layout.display()), "it", "oci");
    let recipe = format!(
        "platforms \"linux/amd64\"\nimage \"app\" oci=\"{}/it@{digest}\" {{ file \"/own\" \"x\"; user \"7\"; \
         waive \"setuid\" path=\"/s\" reason=\"its base has it\"; }}\n\
         image \"other\" {{ from \"scratch\"; copy \"/h2\" from=\"app\"; copy \"/link\" from=\"app\"; copy \"/o\" from=\"app\"; user \"7\"; }}\n",
        registry.address
    );
    let project = Project::new(None, &[("app", &recipe)]);
    project.run(&["refresh"]).done();
    let tar = project.path("app.tar");
    project.run(&["build", "app", "--output", &format!("rootfs:{}", tar.display())]).done();

    let theirs = folder.path().join("theirs");
    umoci(&["unpack", "--rootless", "--image", &image, &theirs.display().to_string()]);
    fs_err::write(theirs.join("rootfs/own"), "x").expect("written");
    let ours = folder.path().join("ours");
    fs_err::create_dir(&ours).expect("made");
    tool("tar", Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&ours));
    let listed = |root: &std::path::Path| {
        let mut find = Command::new("find");
        find.arg(root).args(["-mindepth", "1", "-printf", "%P %y %m %s %l %n\n"]);
        let mut lines: Vec<String> = text_of("findutils", &mut find).lines().map(str::to_owned).collect();
        // folders have sizes and links of the file system's own
        lines
            .iter_mut()
            .filter(|line| line.contains(" d "))
            .for_each(|line| *line = line.split(" d ").next().unwrap_or_default().to_owned());
        lines.sort();
        lines
    };
    assert_eq!(listed(&ours), listed(&theirs.join("rootfs")));
    tool("diffutils", Command::new("diff").arg("-r").arg(&ours).arg(theirs.join("rootfs")));

    let tar = project.path("other.tar");
    project.run(&["build", "other", "--output", &format!("rootfs:{}", tar.display())]).done();
    let read = |path: &str| text_of("tar", Command::new("tar").arg("-xOf").arg(&tar).arg(path));
    assert_eq!((read("h2").as_str(), read("o/new").as_str()), ("h\n", "new\n"));
}
