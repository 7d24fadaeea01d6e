//! Links in foreign trees: packages, sources, outputs of steps and projects that want the program to read, write or remove
//! files of the machine.

use std::path::Path;
use std::process::Command;

use orchestrate::distribution::debian::Debian;
use orchestrate::distribution::world::World as _;

use crate::support::archive::{Archive, Package};
use crate::support::project::Project;
use crate::support::{tool, toolbox, write};

/// What is in files of the machine, and nowhere else.
const MARK: &str = "9f3c2a71e5";

/// A folder of the machine that an attacker wants to read, write and empty.
struct Outside(tempfile::TempDir);

impl Outside {
    fn new() -> Self {
        // not in a folder that sandboxes cover
        let outside = Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder"));
        write(&outside.0.path().join("id_rsa"), format!("private key {MARK}"));
        write(&outside.0.path().join("work/thesis"), format!("thesis {MARK}"));
        outside
    }

    fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    /// Asserts that nothing came, nothing went, and nothing was changed.
    #[track_caller]
    fn is_untouched(&self) {
        let mut names: Vec<String> = Vec::new();
        for folder in [self.0.path().to_owned(), self.0.path().join("work")] {
            for entry in fs_err::read_dir(folder).expect("listed") {
                names.push(entry.expect("listed").file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        assert_eq!(names, ["id_rsa", "thesis", "work"]);
        assert_eq!(fs_err::read_to_string(self.0.path().join("id_rsa")).expect("there"), format!("private key {MARK}"));
        assert_eq!(fs_err::read_to_string(self.0.path().join("work/thesis")).expect("there"), format!("thesis {MARK}"));
    }
}

/// An image with the output of the stage `app`.
fn image_of_app(before: &str) -> String {
    format!(
        "title \"X\"\nplatforms \"linux/amd64\"\n{before}\nimage \"x\" {{\n    from \"scratch\"\n    \
         copy \"/\" from=\"app\" to=\"/app\"\n    user \"10001\"\n    healthcheck \"none\" reason=\"a test\"\n}}\n"
    )
}

/// The files of the image `x` as one text.
fn contents(project: &Project) -> String {
    let listed = Command::new("tar").arg("-xOf").arg(project.path("x.tar")).output().expect("tar");
    String::from_utf8_lossy(&listed.stdout).into_owned()
}

#[test]
fn a_step_leaves_links_and_a_toolchain_image_copies_them() {
    let (archive, outside) = (Archive::with_box(&[]), Outside::new());
    let path = outside.path();
    let recipe = image_of_app(&format!(
        "stage \"link\" from=\"box\" {{ run \"ln -s {path}/id_rsa $OUT/key; ln -s {path}/work $OUT/dir; mkdir $OUT/real; \
         ln -s {path}/id_rsa $OUT/real/key\" }}\n\
         image \"tool\" from=\"box\" {{\n    copy \"/key\" from=\"link\" to=\"/stolen/key\"\n    \
         copy \"/dir\" from=\"link\" to=\"/stolen/dir\"\n    copy \"/real\" from=\"link\" to=\"/stolen/real\"\n    \
         user \"10001\"\n    healthcheck \"none\" reason=\"a toolchain\"\n}}\n\
         stage \"app\" from=\"tool\" {{ run \"mkdir $OUT/s; cp -r /stolen/. $OUT/s/ || true; \
         cat /stolen/* /stolen/real/* /stolen/dir/* > $OUT/s/all || true\" }}"
    ));
    let project = toolbox::project(&archive, &[("x", &recipe)]);
    project.run(&["refresh"]).done();
    project.run(&["build", "x", "--output", "rootfs:x.tar"]).done();
    let contents = contents(&project);
    assert!(!contents.contains(MARK), "a file of the machine is in the image");
    outside.is_untouched();
}

#[test]
fn a_recipe_writes_through_a_link_that_it_made_in_a_toolchain_image() {
    let (archive, outside) = (Archive::with_box(&[]), Outside::new());
    let path = outside.path();
    write(&outside.0.path().join("id_rsa"), format!("private key {MARK}"));
    let recipe = image_of_app(&format!(
        "image \"tool\" from=\"box\" {{\n    symlink \"/w\" to=\"{path}\"\n    file \"/w/id_rsa\" \"owned\"\n    \
         file \"/w/.bashrc\" \"owned\"\n    symlink \"/w/work/more\" to=\"/etc\"\n    copy \"files\" to=\"/w/work\"\n    \
         user \"10001\"\n    healthcheck \"none\" reason=\"a toolchain\"\n}}\n\
         stage \"app\" from=\"tool\" {{ run \"cat /w/.bashrc {path}/id_rsa > $OUT/seen || echo hidden > $OUT/seen\" }}"
    ));
    let project = toolbox::project(&archive, &[("x", &recipe)]);
    project.write("images/x/files/thesis", "overwritten");
    project.run(&["refresh"]).done();
    project.run(&["build", "x", "--output", "rootfs:x.tar"]).done();
    outside.is_untouched();
    // within the root the link leads where it says, as it does in an image; a sandbox has folders of its own over two
    let covered = ["/tmp/", "/var/tmp/"].iter().any(|folder| path.starts_with(folder));
    assert!(contents(&project).contains(if covered { "hidden" } else { "ownedowned" }));
}

#[test]
fn a_copy_leads_through_a_link_of_a_step() {
    let (archive, outside) = (Archive::with_box(&[]), Outside::new());
    let path = outside.path();
    let recipe = image_of_app(&format!(
        "stage \"link\" from=\"box\" {{ run \"ln -s {path} $OUT/dir\" }}\n\
         stage \"app\" from=\"box\" {{\n    copy \"/dir/id_rsa\" from=\"link\" to=\"/stolen\"\n    \
         run \"cp /stolen $OUT/\"\n}}"
    ));
    let project = toolbox::project(&archive, &[("x", &recipe)]);
    project.run(&["refresh"]).done();
    project.run(&["build", "x"]).failed(&["symbolic link is on the way"]);
    outside.is_untouched();
}

#[test]
fn a_package_brings_the_database_of_dpkg_as_a_link() {
    let outside = Outside::new();
    let link = format!("-> {}", outside.path());
    for at in
        ["/var/lib/dpkg", "/var/lib/dpkg/info", "/var/lib/dpkg/triggers", "/var/lib/dpkg/status", "/var/lib", "/var"]
    {
        let files = [(at, link.as_str())];
        let evil = Package { name: "evil", version: "1", architecture: "all", fields: "", files: &files };
        let archive = Archive::with_box(&[evil]);
        let stage = "stage \"app\" from=\"box\" {\n    packages \"evil\"\n    run \"touch $OUT/x\"\n}";
        let project = toolbox::project(&archive, &[("x", &image_of_app(stage))]);
        project.run(&["refresh"]).done();
        let said = project.run(&["build", "x"]);
        _ = match at {
            // the sandbox covers /tmp, so there a link to a folder of the root leads nowhere when /var/tmp is mounted
            "/var" if outside.path().starts_with("/tmp/") => said.failed(&["mount something at /var/tmp"]),
            "/var/lib/dpkg/info" | "/var/lib/dpkg/triggers" => {
                said.failed(&["is a symbolic link of evil:all and a folder of package configuration"])
            }
            _ => said.done(), // it leads to a folder of the root, or a file is replaced
        };
        outside.is_untouched();
    }
}

/// A package with a shell of the attacker's: what it does, as root of the sandbox, when it is to run maintainer scripts.
fn shell(does: &str) -> [(&'static str, String); 2] {
    let usual = "case \"$2\" in /orchestrate/configure) ;; /orchestrate/run) [ -d /orchestrate/basic ] || \
                 exec /bin/busybox sh \"$@\";; *) exec /bin/busybox sh \"$@\";; esac";
    [
        ("/usr/share/doc/dpkg/copyright", "free".to_owned()),
        ("/bin/sh", format!("#!/bin/busybox sh\n{usual}\n{does}\nexit 0\n")),
    ]
}

/// A package with files whose content is made for the test.
fn package<'a>(name: &'a str, files: &'a [(&'a str, &'a str)]) -> Package<'a> {
    // busybox has a shell of its own
    Package {
        name,
        version: "1",
        architecture: "all",
        fields: if name == "dpkg" { "Essential: yes\nReplaces: box\nDepends: box\n" } else { "" },
        files,
    }
}

fn borrowed<'a>(files: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    files.iter().map(|(path, content)| (*path, content.as_str())).collect()
}

#[test]
fn a_maintainer_script_of_a_root_turns_its_logs_into_a_link() {
    let outside = Outside::new();
    let path = outside.path();
    let does = format!(
        "mkdir -p /var /etc\nrm -rf /var/log\nln -s {path}/work /var/log\nrm -rf /etc\nln -s {path} /etc\n\
         mkdir -p /var/cache\nln -s {path} /var/cache/ldconfig\n"
    );
    let archive = Archive::with_box(&[package("dpkg", &borrowed(&shell(&does)))]);
    let stage = "stage \"app\" from=\"box\" {\n    packages \"dpkg\"\n    run \"touch $OUT/x\"\n}";
    let project = toolbox::project(&archive, &[("x", &image_of_app(stage))]);
    project.run(&["refresh"]).done();
    let said = project.run(&["build", "x"]);
    outside.is_untouched();
    said.done();
    assert!(project.path("store/trees/root").exists());
}

const SCRIPTED: &str = "title \"X\"\nplatforms \"linux/amd64\"\nimage \"x\" {\n    from \"scratch\"\n    \
    distribution \"debian\" suite=\"stable\"\n    packages \"box\" \"dpkg\" \"other\" \"evil\"\n    configure \"scripts\"\n    \
    user \"10001\"\n    healthcheck \"none\" reason=\"a test\"\n}\n";

#[test]
fn a_package_diverts_a_file_of_another_through_its_link() {
    let outside = Outside::new();
    let link = format!("-> {}", outside.path());
    let script = "#!/bin/sh\ndpkg-divert --package evil --add --rename --divert /esc/div-pwned /usr/share/other/file\n";
    let evil = [("/esc", link.as_str()), ("/DEBIAN/preinst", script)];
    let dpkg = shell("");
    let other = [("/usr/share/other/file", "content of choice")];
    let archive =
        Archive::with_box(&[package("dpkg", &borrowed(&dpkg)), package("evil", &evil), package("other", &other)]);
    let project = toolbox::project(&archive, &[("x", SCRIPTED)]);
    project.run(&["refresh"]).done();
    let said = project.run(&["build", "x", "--output", "rootfs:x.tar"]);
    outside.is_untouched();
    // such an image may be refused, or built with the file below its own root; unpacking it does no harm either
    assert!(said.code == Some(0) || said.code == Some(1), "{}", said.stderr);
    if project.path("x.tar").exists() {
        let root = tempfile::tempdir().expect("a folder");
        tool("tar", Command::new("tar").arg("-xf").arg(project.path("x.tar")).arg("-C").arg(root.path()));
        outside.is_untouched();
    }
}

#[test]
fn a_maintainer_script_leaves_links_where_the_program_tidies_up() {
    let outside = Outside::new();
    let path = outside.path();
    let does = format!(
        "mkdir -p /var/lib /etc/ssl\nrm -rf /var/log /run/x /etc/ssh\nln -s {path}/work /var/log\nln -s {path} /etc/ssh\n\
         ln -s {path} /etc/ssl/certs\nln -s {path}/id_rsa /etc/machine-id\nln -s {path} /var/lib/mysql\n\
         ln -s {path}/work /run/work\n"
    );
    let dpkg = shell(&does);
    let archive = Archive::with_box(&[
        package("dpkg", &borrowed(&dpkg)),
        package("evil", &[("/usr/share/evil", "x")]),
        package("other", &[("/usr/share/other", "x")]),
    ]);
    let project = toolbox::project(&archive, &[("x", SCRIPTED)]);
    project.run(&["refresh"]).done();
    project.run(&["build", "x", "--output", "rootfs:x.tar"]).done();
    outside.is_untouched();
    let contents = contents(&project);
    assert!(!contents.contains(MARK), "a file of the machine is in the image");
}

#[test]
fn a_project_brings_its_output_folder_as_a_link() {
    let outside = Outside::new();
    let path = outside.path();
    let recipe = "title \"X\"\nplatforms \"linux/amd64\"\nimage \"x\" {\n    from \"scratch\"\n    \
                  file \"/x\" \"x\"\n    user \"10001\"\n    healthcheck \"none\" reason=\"a test\"\n}\n";
    let empty = outside.0.path().join("work");
    for (link, target, output) in [
        ("dist", path.clone(), None),
        ("dist", path.clone(), Some("oci:dist")),
        ("dist/blobs", path.clone(), None),
        ("dist/index.json", format!("{path}/id_rsa"), None),
        ("out", empty.display().to_string(), Some("rootfs:out/x.tar")),
        ("out", empty.display().to_string(), Some("docker-archive:out/x.tar")),
    ] {
        let project = Project::new(None, &[("x", recipe)]);
        let at = project.path(link);
        fs_err::create_dir_all(at.parent().expect("a folder")).expect("made");
        fs_err::os::unix::fs::symlink(&target, &at).expect("linked");
        let output = output.map(|output| ["--output", output]);
        let arguments: Vec<&str> = ["build", "x"].into_iter().chain(output.into_iter().flatten()).collect();
        project.run(&arguments).failed(&["link"]);
        outside.is_untouched();
    }
}

/// A tar archive of a folder that `fill` fills, and its path.
fn tar(folder: &Path, name: &str, fill: impl Fn(&Path)) {
    let tree = tempfile::tempdir().expect("a folder");
    fill(tree.path());
    tool("tar", Command::new("tar").arg("-C").arg(tree.path()).arg("-cf").arg(folder.join(name)).arg("."));
}

/// Unpacks a Debian source package from its archives in `folder`.
fn unpack(folder: &Path, names: &[&str]) -> Result<tempfile::TempDir, String> {
    let target = tempfile::tempdir().expect("a folder");
    let dir = orchestrate::beneath::Dir::open(target.path()).expect("opens");
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let open = |name: &str| Ok(fs_err::File::open(folder.join(name))?);
    match orchestrate::stage::source::unpack_package(Debian.source_packages(), &names, open, &dir) {
        Ok(()) => Ok(target),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            let chain = std::iter::successors(Some(error), |error| error.source());
            Err(chain.map(ToString::to_string).collect::<Vec<_>>().join(": "))
        }
    }
}

#[test]
fn one_archive_of_a_source_package_makes_a_link_and_another_writes_through_it() {
    let outside = Outside::new();
    let folder = tempfile::tempdir().expect("a folder");
    let link = |at: &str| {
        let (at, target) = (at.to_owned(), outside.path());
        move |tree: &Path| {
            let at = tree.join(&at);
            fs_err::create_dir_all(at.parent().expect("a folder")).expect("made");
            fs_err::os::unix::fs::symlink(&target, at).expect("linked");
        }
    };
    tar(folder.path(), "x_1.orig.tar.xz", link("x-1/esc"));
    tar(folder.path(), "x_1.orig-more.tar.xz", |tree| write(&tree.join("y/file"), "y"));
    let debian = ["x_1.orig.tar.xz", "x_1.debian.tar.xz"];
    // beside its own folder, through the link
    tar(folder.path(), "x_1.debian.tar.xz", |tree| write(&tree.join("esc/.profile"), "owned"));
    let error = unpack(folder.path(), &debian).expect_err("refused");
    assert!(error.contains("/esc") && error.contains("may hold `/debian` alone"), "{error}");
    outside.is_untouched();
    // in its own folder, with a link for a series of patches
    tar(folder.path(), "x_1.debian.tar.xz", |tree| {
        fs_err::create_dir_all(tree.join("debian/patches")).expect("made");
        fs_err::os::unix::fs::symlink(outside.0.path().join("id_rsa"), tree.join("debian/patches/series"))
            .expect("linked");
    });
    let error = unpack(folder.path(), &debian).expect_err("refused");
    assert!(error.contains("series") && !error.contains(MARK), "{error}");
    // a patch, and the folder of patches
    for (at, target) in [("debian/patches/p", "id_rsa"), ("debian/patches", "work")] {
        tar(folder.path(), "x_1.debian.tar.xz", |tree| {
            let at = tree.join(at);
            fs_err::create_dir_all(at.parent().expect("a folder")).expect("made");
            if at.ends_with("p") {
                write(&at.with_file_name("series"), "p\n");
            }
            fs_err::os::unix::fs::symlink(outside.0.path().join(target), at).expect("linked");
        });
        if let Err(error) = unpack(folder.path(), &debian) {
            assert!(!error.contains(MARK), "{error}");
        }
        outside.is_untouched();
    }
    // the folder of a component, or the distribution's, is a link of upstream's
    for at in ["x-1/more", "x-1/debian"] {
        tar(folder.path(), "x_1.orig.tar.xz", link(at));
        tar(folder.path(), "x_1.debian.tar.xz", |tree| write(&tree.join("debian/control"), "x"));
        let all = ["x_1.orig.tar.xz", "x_1.orig-more.tar.xz", "x_1.debian.tar.xz"];
        drop(unpack(folder.path(), &all).expect("the link is replaced"));
        outside.is_untouched();
    }
    // names of components are words
    tar(folder.path(), "x_1.orig-...tar.xz", |tree| write(&tree.join("y/file"), "y"));
    let error =
        unpack(folder.path(), &["x_1.orig.tar.xz", "x_1.orig-...tar.xz", "x_1.debian.tar.xz"]).expect_err("refused");
    assert!(error.contains("component"), "{error}");
}

#[test]
fn hard_links_make_a_small_archive_large() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("bomb.tar");
    let mut builder = tar::Builder::new(std::io::BufWriter::new(fs_err::File::create(&archive).expect("made")));
    let header = |kind, size: u64| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header
    };
    let size = 64_u64 << 20;
    let content = std::io::Read::take(std::io::repeat(0), size);
    builder.append_data(&mut header(tar::EntryType::Regular, size), "x/a", content).expect("written");
    for number in 0..400 {
        builder.append_link(&mut header(tar::EntryType::Link, 0), format!("x/{number}"), "x/a").expect("written");
    }
    drop(builder.into_inner().expect("ended"));
    let target = tempfile::tempdir().expect("a folder");
    let dir = orchestrate::beneath::Dir::open(target.path()).expect("opens");
    let file = fs_err::File::open(&archive).expect("there");
    let error =
        orchestrate::stage::source::unpack_tar("bomb.tar", file, &dir, 1).expect_err("25 GB for those who read it");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains("every name of a file counted"), "{cause}");
    let used = dir.metadata("a").expect("there");
    assert!(used.nlink > 100 && used.size == size, "they are names of one file");
}

#[test]
fn a_step_leaves_files_with_holes_that_take_hours_to_read() {
    let archive = Archive::with_box(&[]);
    let stage = "stage \"app\" from=\"box\" { run \"for n in $(seq 60); do truncate -s 30G $OUT/$n; done\" }";
    let project = toolbox::project(&archive, &[("x", &image_of_app(stage))]);
    project.run(&["refresh"]).done();
    let begun = std::time::Instant::now();
    project.run(&["build", "x"]).failed(&["the step left more than 34.3 GB behind"]);
    assert!(begun.elapsed().as_secs() < 120, "all of it was read before it was refused");
}
