//! The steps of a pipeline: what they fetch becomes sources, what they run becomes lines of the stage's script.

use super::Draft;
use crate::import::about::is_url;
use crate::import::findings::named;
use crate::import::recipe::{Item, Node, Value};
use crate::import::shell::{quoted, vendor_script};
use crate::import::yaml;
use crate::model::ImagePath;

/// Most steps, those of steps within steps counted.
const MOST: usize = 500;
/// Where sources are.
const SOURCE: &str = "/src";

/// What every configure script is told.
const CONFIGURE: &str = "./configure $CONFIGURE_HOST --prefix=/usr --sysconfdir=/etc --libdir=/usr/lib --mandir=/usr/share/man \
                         --infodir=/usr/share/info --localstatedir=/var";
const CMAKE: &str =
    "cmake -B output -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=lib";
const MESON: &str = "meson setup . output $MESON_MACHINE --prefix=/usr --buildtype=release --wrap-mode=nodownload";
const STRIP: &str = "find \"$OUT\" -type f -perm -100 -exec sh -c '\"$STRIP\" \"$1\" 2> /dev/null || true' sh {} \\;";

impl Draft {
    pub(super) fn pipeline(&mut self, pipeline: &yaml::Node) {
        for step in pipeline.list() {
            self.steps += 1;
            if self.steps > MOST {
                return;
            }
            self.step(step);
        }
    }

    fn step(&mut self, step: &yaml::Node) {
        if let Some(condition) = step.text_of("if") {
            let why = "conditions cannot be said: use `on \"PLATFORM\" { … }`, or remove the step";
            let note = self.findings.note(step.line, &format!("if: {condition}"), why);
            self.stage.push(note);
        }
        if let Some(uses) = step.text_of("uses") {
            let empty = yaml::Node { line: step.line, value: yaml::Value::Nothing };
            self.uses(step, uses, step.get("with").unwrap_or(&empty));
        }
        if let Some(runs) = step.text_of("runs") {
            let folder = step.text_of("working-directory").map(|folder| self.script_text(step, folder));
            self.enter(folder.as_deref());
            let script = self.script_text(step, runs);
            self.script.push(script.trim_end().to_owned());
            self.leave(folder.as_deref());
        }
        if let Some(nested) = step.get("pipeline") {
            let folder = step.text_of("working-directory").map(|folder| self.script_text(step, folder));
            self.enter(folder.as_deref());
            self.pipeline(nested);
            self.leave(folder.as_deref());
        }
    }

    /// A text as a part of the script; what is not known in it is noted.
    fn script_text(&mut self, step: &yaml::Node, text: &str) -> String {
        let (script, unknown) = self.values.script(text);
        self.unknown(step, &unknown);
        script
    }

    fn unknown(&mut self, step: &yaml::Node, unknown: &[String]) {
        for name in unknown.iter().take(8) {
            let why = "it is not known here: UNKNOWN stands in its place";
            let note = self.findings.note(step.line, name, why);
            self.stage.push(note);
        }
    }

    fn enter(&mut self, folder: Option<&str>) {
        if self.script.is_empty() && !self.mounts.is_empty() {
            self.script.push(format!("cd {SOURCE}"));
        }
        self.script.extend(folder.map(|folder| format!("( cd {}", in_quotes(folder))));
    }

    fn leave(&mut self, folder: Option<&str>) {
        self.script.extend(folder.map(|_| ")".to_owned()));
    }

    fn uses(&mut self, step: &yaml::Node, uses: &str, with: &yaml::Node) {
        let opts = |key: &str| with.text_of(key).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let line = match uses {
            "fetch" => return self.fetch(step, with),
            "git-checkout" => return self.git(step, with),
            "patch" => return self.patch(step, with),
            "go/build" => return self.go_build(step, with),
            "cargo/build" => return self.cargo_build(step, with),
            "autoconf/configure" => format!("{CONFIGURE} {}", opts("opts")),
            "autoconf/make" | "make" => format!("make -j\"$JOBS\" {}", opts("opts")),
            "autoconf/make-install" | "make-install" => format!("make install DESTDIR=\"$OUT\" {}", opts("opts")),
            "cmake/configure" => format!("{CMAKE} {}", opts("opts")),
            "cmake/build" => format!("cmake --build output -j \"$JOBS\" {}", opts("opts")),
            "cmake/install" => "DESTDIR=\"$OUT\" cmake --install output".to_owned(),
            "meson/configure" => format!("{MESON} {}", opts("opts")),
            "meson/compile" | "meson/build" => "meson compile -C output -j \"$JOBS\"".to_owned(),
            "meson/install" => "DESTDIR=\"$OUT\" meson install -C output --no-rebuild".to_owned(),
            "strip" => STRIP.to_owned(),
            _ => {
                let why = match uses {
                    "go/bump" => "pin other versions of modules with a `patch` of go.mod and go.sum",
                    _ if uses.starts_with("split/") => {
                        "the stage leaves these files where they are: copy what an image wants"
                    }
                    _ => "write what it does as a `run`",
                };
                let note = self.findings.note(step.line, &format!("uses: {uses}"), why);
                return self.stage.push(note);
            }
        };
        let folder = with.text_of("dir").filter(|dir| *dir != ".").map(|dir| self.script_text(step, dir));
        self.enter(folder.as_deref());
        let line = self.script_text(step, line.trim_end());
        self.script.push(line);
        self.leave(folder.as_deref());
    }

    /// Adds a source, and mounts it at `folder` below `/src`.
    fn source(&mut self, step: &yaml::Node, wanted: &str, folder: &str, origin: Node) {
        let name = named(wanted).map_or_else(|| self.name.to_string(), |name| name.to_string());
        let taken = |name: &str| self.sources.iter().any(|(known, _)| known == name);
        let numbered = (2..1_000).map(|number| format!("{name}-{number}"));
        let name = std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(name);
        let at = format!("{SOURCE}/{}", folder.trim_start_matches("./").trim_matches('/'));
        let at = at.trim_end_matches('/').trim_end_matches("/.").to_owned();
        if ImagePath::absolute(&at).is_err() || at.contains("${") || self.mounts.contains_key(&at) {
            let why = format!("two sources would be at {at}, or it is no folder: mount `{name}` elsewhere");
            let note = self.findings.note(step.line, wanted, why);
            self.stage.push(note);
            self.mounts.insert(format!("/sources/{name}"), name.clone());
        } else {
            self.mounts.insert(at, name.clone());
        }
        self.sources.push((name, origin));
    }

    fn fetch(&mut self, step: &yaml::Node, with: &yaml::Node) {
        let written = with.text_of("uri").unwrap_or_default();
        if !is_url(&self.values.plain(written)) {
            let note = self.findings.note(step.line, "uses: fetch", format!("`{written}` is no address of a file"));
            return self.stage.push(note);
        }
        let (url, unknown) = self.values.template(written);
        self.unknown(step, &unknown);
        let mut origin = Node::new("download").template(url);
        let extracted = with.text_of("extract") != Some("false");
        let packed = [".tar", ".tgz", ".tbz", ".txz"].iter().any(|end| written.contains(end));
        if extracted && packed {
            origin.set("unpack", Value::Text("tar".to_owned()));
            let strip = with.text_of("strip-components").and_then(|strip| strip.parse::<u8>().ok()).unwrap_or(1);
            origin.set("strip", Value::Number(u32::from(strip)));
        } else if extracted {
            let note =
                self.findings.note(step.line, written, "only tar archives are unpacked: unpack it in the script");
            self.stage.push(note);
        }
        let hash = with.text_of("expected-sha256").or_else(|| with.text_of("expected-sha512"));
        if let Some(hash) = hash {
            let why = format!("`refresh` pins the file: compare the hash in the lock once with {hash}");
            let note = self.findings.note(step.line, "uses: fetch", why);
            self.stage.push(note);
        }
        let name = self.name.to_string();
        self.source(step, &name, with.text_of("directory").unwrap_or_default(), origin);
    }

    fn git(&mut self, step: &yaml::Node, with: &yaml::Node) {
        let written = with.text_of("repository").unwrap_or_default();
        let (url, unknown) = self.values.template(written);
        self.unknown(step, &unknown);
        if !is_url(&self.values.plain(written)) {
            let note = self.findings.note(
                step.line,
                "uses: git-checkout",
                format!("`{written}` is no address of a repository"),
            );
            return self.stage.push(note);
        }
        let references = [("tag", "tag"), ("expected-commit", "commit"), ("branch", "branch")];
        let found = references.into_iter().find_map(|(key, property)| Some((property, with.text_of(key)?)));
        let (property, name) = found.unwrap_or(("branch", "main"));
        if property == "branch" {
            let note = self.findings.note(step.line, written, "it follows a branch: name a tag or a commit");
            self.stage.push(note);
        }
        let (name, unknown) = self.values.template(name);
        self.unknown(step, &unknown);
        let origin = Node::new("git").template(url.as_str()).with(property, Value::Template(name));
        for key in ["cherry-picks", "sparse-paths", "recurse-submodules"] {
            if key != "recurse-submodules" && with.get(key).is_some() {
                let note = self.findings.note(step.line, key, "put the changes into a `patch` beside the recipe");
                self.stage.push(note);
            }
        }
        let stem =
            written.trim_end_matches('/').trim_end_matches(".git").rsplit('/').next().unwrap_or_default().to_owned();
        self.source(step, &stem, with.text_of("destination").unwrap_or_default(), origin);
    }

    /// Patches are of the source that was fetched last.
    fn patch(&mut self, step: &yaml::Node, with: &yaml::Node) {
        let patches = with.text_of("patches").unwrap_or_default();
        let strip = with.text_of("strip-components").and_then(|strip| strip.parse::<u8>().ok()).unwrap_or(1);
        let fits = |path: &&str| !path.starts_with('/') && !path.contains("..") && !path.contains("${");
        let patches: Vec<&str> = patches.split_whitespace().filter(fits).take(200).collect();
        if let (Some((_, origin)), false) = (self.sources.last_mut(), patches.is_empty()) {
            for patch in &patches {
                let node = Node::new("patch").text(*patch).with("strip", Value::Number(u32::from(strip)));
                origin.children_mut().push(node.into());
            }
            let note = self.findings.note(
                step.line,
                "uses: patch",
                format!("put these beside the recipe: {}", patches.join(", ")),
            );
            self.head.push(note);
        } else {
            let note =
                self.findings.note(step.line, "uses: patch", "name each patch with `patch \"FILE\"` in its source");
            self.stage.push(note);
        }
    }

    fn go_build(&mut self, step: &yaml::Node, with: &yaml::Node) {
        self.toolchain = "builder-go";
        let packages = with.text_of("packages").unwrap_or(".");
        let output = with.text_of("output").map_or_else(|| self.name.to_string(), |output| self.values.plain(output));
        let prefix = with.text_of("prefix").unwrap_or("usr").trim_matches('/').to_owned();
        let root = with.text_of("modroot").filter(|root| *root != ".").map(|root| self.script_text(step, root));
        let mut line = "go build".to_owned();
        if let Some(tags) = with.text_of("tags") {
            line.push_str(&format!(" -tags {}", quoted(&tags.split_whitespace().collect::<Vec<_>>().join(","))));
        }
        let flags = with.text_of("ldflags").unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let flags = self.script_text(step, format!("-s -w {flags}").trim());
        line.push_str(&format!(" -ldflags \"{}\"", flags.replace('"', "\\\"")));
        let program = format!("/{prefix}/bin/{output}");
        let packages = self.script_text(step, packages);
        self.enter(root.as_deref());
        self.script.push(format!("{line} -o \"$OUT{program}\" {packages}"));
        self.leave(root.as_deref());
        if ImagePath::absolute(&program).is_ok() && !program.contains('$') && !self.programs.contains(&program) {
            self.programs.push(program);
        }
        self.go_modules(with.text_of("modroot").unwrap_or("."));
    }

    /// The modules, which a stage cannot fetch.
    fn go_modules(&mut self, root: &str) {
        let at = format!("{SOURCE}/{}", root.trim_start_matches("./").trim_matches(['/', '.']));
        let at = format!("{}/vendor", at.trim_end_matches('/'));
        let Some(source) = self.mounts.get(SOURCE).cloned() else { return };
        if self.mounts.contains_key(&at) || ImagePath::absolute(&at).is_err() || at.contains('$') {
            return;
        }
        let folder = at.trim_end_matches("/vendor");
        let script = Value::Script(vendor_script(folder));
        let vendor = Node::new("vendor").with("from", Value::Text("builder-go".to_owned())).block(vec![
            Node::new("use").text(source).with("at", Value::Text(SOURCE.to_owned())).into(),
            Node::new("run").value(script).into(),
        ]);
        let name = if self.mounts.values().any(|name| name == "modules") { "modules-2" } else { "modules" };
        if self.mounts.values().any(|known| known == name) {
            return;
        }
        self.vendored.extend([Item::Gap, Node::new("source").text(name).block(vec![vendor.into()]).into()]);
        self.mounts.insert(at, name.to_owned());
    }

    fn cargo_build(&mut self, step: &yaml::Node, with: &yaml::Node) {
        self.toolchain = "builder-rust";
        let output = with.text_of("output").map_or_else(|| self.name.to_string(), |output| self.values.plain(output));
        let opts = with.text_of("opts").unwrap_or("--release").split_whitespace().collect::<Vec<_>>().join(" ");
        let opts = self.script_text(step, &opts);
        self.enter(None);
        self.script.push(format!("cargo build --locked --offline {opts} -j\"$JOBS\""));
        self.script.push("mkdir -p \"$OUT/usr/bin\"".to_owned());
        let output = quoted(&output);
        self.script.push(format!("cp target/\"$CARGO_BUILD_TARGET\"/release/{output} \"$OUT/usr/bin/\"{output}"));
        let why = "stages have no network: bring the crates from a `vendor` source, see images/fileserver";
        let note = self.findings.note(step.line, "uses: cargo/build", why);
        self.stage.push(note);
    }
}

fn in_quotes(folder: &str) -> String {
    if folder.contains('$') { format!("\"{}\"", folder.replace('"', "")) } else { quoted(folder) }
}
