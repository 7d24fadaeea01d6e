//! Steps: roots, sources, stages, the sandbox, the scripts of packages.

use std::path::PathBuf;

use super::{Gallery, OpsError, StepError, denied, digest, io, path};
use crate::archive::ArchiveError;
use crate::distribution::scripts::UnawareScript;
use crate::distribution::world::WorldError;
use crate::fetch::FetchError;
use crate::image::ImageError;
use crate::model::{ByteSize, Format, PathError, Seconds};
use crate::ops::error::PinError;
use crate::recipe::StepLimits;
use crate::stage::sandbox::{Bound, Ending, Exceeded};
use crate::stage::source::SourceError;
use crate::stage::{Failure, RootError, SandboxError, ScriptsError, StageError, StepOutputError, Unavailable};
use crate::store::StoreError;

pub(super) fn draw(gallery: &mut Gallery) {
    stages(gallery);
    failures(gallery);
    sandboxes(gallery);
    outputs(gallery);
    sources(gallery);
    roots(gallery);
    scripts(gallery);
    rest(gallery);
}

fn log() -> PathBuf {
    "/home/user/.cache/orchestrate/logs/web.log".into()
}

fn no_blob() -> StoreError {
    StoreError::NoBlob { digest: digest("blob") }
}

fn stages(gallery: &mut Gallery) {
    let step = gallery.step();
    let stage = |error: StageError| step(error.into());
    gallery.add(StageError::Sandbox { source: SandboxError::Vanished }, stage);
    gallery.add(StageError::StepOutput { source: StepOutputError::TooLarge { limit: ByteSize(16 << 30) } }, stage);
    gallery.add(StageError::NoTree { tree: digest("tree") }, stage);
    let source = io(std::io::ErrorKind::NotFound);
    gallery.add(StageError::NoInput { path: path("/usr/lib/go"), source }, stage);
    gallery.add(StageError::NoSecret { id: "npm-token".to_owned() }, stage);
    gallery.add(StageError::NoCache { path: path("/cache") }, stage);
    gallery.add(
        StageError::CacheTaken { path: path("/usr/lib"), at: path("/usr/lib"), what: "a folder with files" },
        stage,
    );
    gallery.add(StageError::Prepare { source: denied() }, stage);
    gallery.add(StageError::Store { source: no_blob() }, stage);
}

fn failures(gallery: &mut Gallery) {
    let step = gallery.step();
    let failed = |ending, last: &str| {
        let tail = vec!["go build ./...".to_owned(), last.to_owned()];
        let limits = StepLimits { timeout: Seconds(3600), memory: Some(ByteSize(1 << 30)) };
        StageError::Failed(Box::new(Failure {
            ending,
            script: "go build -o \"$OUT/web\" ./...".to_owned(),
            tail,
            log: log(),
            limits,
        }))
    };
    let exceeded = |bound, most| Ending::Exceeded(Exceeded { bound, most });
    let endings = [
        (Ending::Exited(1), "main.go:3: undefined: x"),
        (Ending::Exited(1), "dial tcp: lookup proxy.example.org: no such host"),
        (Ending::Exited(1), "write: No space left on device"),
        (Ending::Exited(1), "compile: write $WORK/_pkg_.a: no space left on device"),
        (Ending::Killed(9), "signal: killed"),
        (Ending::Killed(11), "segmentation fault"),
        (Ending::TimedOut, "waiting"),
        (exceeded(Bound::Memory, 1 << 30), "allocating"),
        (exceeded(Bound::Processes, 4096), "fork"),
        (exceeded(Bound::Disk, 16 << 30), "writing"),
        (exceeded(Bound::Files, 4_000_000), "writing"),
    ];
    for (ending, last) in endings {
        gallery.add(failed(ending, last), |error| step(error.into()));
    }
}

fn sandboxes(gallery: &mut Gallery) {
    let step = gallery.step();
    let sandbox = |source| step(StageError::Sandbox { source }.into());
    let reasons = [
        Unavailable::SwitchedOff,
        Unavailable::NoneLeft { setting: "user.max_user_namespaces" },
        Unavailable::AppArmor,
        Unavailable::Container,
        Unavailable::HiddenProc,
        Unavailable::FileSystem { folder: "/mnt/nfs/cache".into() },
        Unavailable::OldKernel { doing: "mount an overlay".to_owned() },
    ];
    for reason in reasons {
        gallery.add(SandboxError::Unavailable(reason), sandbox);
    }
    let setup = || ("mount `/usr`".to_owned(), "Invalid argument".to_owned());
    let (doing, why) = setup();
    gallery.add(SandboxError::Setup { doing, why }, sandbox);
    gallery.add(SandboxError::Vanished, sandbox);
    gallery.add(SandboxError::Prepare { source: denied() }, sandbox);
}

fn outputs(gallery: &mut Gallery) {
    let step = gallery.step();
    let output = |source| step(StageError::StepOutput { source }.into());
    gallery.add(StepOutputError::Special { path: "run/socket".into(), kind: "a socket" }, output);
    gallery.add(StepOutputError::TooLarge { limit: ByteSize(16 << 30) }, output);
    gallery.add(StepOutputError::Io { source: denied() }, output);
    gallery.add(StepOutputError::Store { source: no_blob() }, output);
}

fn sources(gallery: &mut Gallery) {
    let step = gallery.step();
    let source = |error: SourceError| step(error.into());
    let reason = || "line 3 is no hunk".to_owned();
    gallery.add(SourceError::Io { source: denied() }, source);
    let damaged = ArchiveError::Truncated { within: "a block".to_owned() };
    gallery.add(SourceError::Archive { name: "caddy.tar.gz".to_owned(), source: damaged }, source);
    gallery.add(SourceError::NotAPatch { patch: "fix.patch".to_owned(), reason: reason() }, source);
    let does_not = SourceError::DoesNotApply {
        patch: "fix.patch".to_owned(),
        file: "main.go".to_owned(),
        reason: "hunk 1 fits nowhere".to_owned(),
    };
    gallery.add(does_not, source);
    gallery.add(SourceError::NothingToReplace { file: "main.go".to_owned(), text: "v1".to_owned() }, source);
    gallery.add(SourceError::Outside { source: PathError::Parent { path: "../x".to_owned() } }, source);
    gallery.add(SourceError::NotASourcePackage { reason: "has no .dsc".to_owned() }, source);
}

fn roots(gallery: &mut Gallery) {
    let step = gallery.step();
    let root = |error: RootError| step(error.into());
    let lost = crate::packages::PackagesError::Lost { what: "a package", digest: digest("package") };
    gallery.add(RootError::Packages { source: lost }, root);
    let tail = vec!["dpkg: error processing package nginx".to_owned()];
    gallery.add(RootError::Scripts { ended: "exited with code 1".to_owned(), tail, log: log() }, root);
    gallery.add(RootError::Sandbox { source: SandboxError::Vanished }, root);
    gallery.add(RootError::Io { source: denied() }, root);
    gallery.add(RootError::Store { source: no_blob() }, root);
}

fn scripts(gallery: &mut Gallery) {
    let step = gallery.step();
    let scripts = |source| step(ImageError::Scripts { source }.into());
    let failed = ScriptsError::Failed {
        what: "the script postinst of the package nginx, or what ran it,".to_owned(),
        ended: "exited with code 1".to_owned(),
        tail: vec!["invoke-rc.d: not found".to_owned()],
        log: log(),
    };
    gallery.add(failed, scripts);
    let unaware = UnawareScript {
        package: "nginx".to_owned(),
        script: "postinst",
        line: "chown www-data /var/log/nginx".to_owned(),
    };
    gallery.add(ScriptsError::Unaware { scripts: vec![unaware] }, scripts);
    gallery.add(ScriptsError::Strayed { paths: vec!["etc/passwd".into()] }, scripts);
    let platform = "linux/arm64".parse().expect("a platform");
    gallery.add(ScriptsError::NoEmulator { platform }, scripts);
    gallery.add(ScriptsError::Sandbox { source: SandboxError::Vanished }, scripts);
    gallery.add(ScriptsError::Io { source: denied() }, scripts);
    gallery.add(ScriptsError::Store { source: no_blob() }, scripts);
}

fn rest(gallery: &mut Gallery) {
    let step = gallery.step();
    let place = gallery.place;
    gallery.add(StepError::Stage(StageError::NoSecret { id: "npm-token".to_owned() }), &step);
    gallery.add(StepError::Root(RootError::Io { source: denied() }), &step);
    gallery.add(StepError::Source(SourceError::Io { source: denied() }), &step);
    gallery.add(StepError::Image(ImageError::NoInstaller { package: "dpkg" }), &step);
    gallery.add(StepError::World(WorldError::Mixed { one: Format::Deb, other: Format::Apk }), &step);
    gallery.add(WorldError::Mixed { one: Format::Deb, other: Format::Apk }, |error| step(error.into()));
    gallery.add(WorldError::Unknown { format: Format::Apk }, |error| step(error.into()));
    gallery.add(StepError::Store(no_blob()), &step);
    gallery.add(StepError::Fetch(FetchError::Offline { missing: vec!["caddy.tar.gz".to_owned()] }), &step);
    let what = "source `caddy`".to_owned();
    gallery.add(StepError::OtherTree { what, expected: digest("expected"), found: digest("found") }, &step);
    let (reference, platform) = ("docker.io/library/debian".to_owned(), "linux/arm64".parse().expect("a platform"));
    gallery.add(StepError::OtherBase { reference: reference.clone(), platform }, &step);
    let source = Box::new(PinError::NotAnImage { reason: "it has no layers".to_owned() });
    gallery.add(StepError::Registry { reference, source }, &step);
    let granted = StepError::NotGranted {
        subject: "stage `web/build`".to_owned(),
        id: "npm-token".to_owned(),
        add: "`allow \"web/build\"` to `secret \"npm-token\"` in the environment file".to_owned(),
    };
    gallery.add(granted, &step);
    gallery.add(StepError::NoVariable { id: "npm-token".to_owned(), variable: "NPM_TOKEN".to_owned() }, &step);
    gallery.add(StepError::Absent { path: "/web".to_owned(), from: "stage `build`".to_owned(), place }, &step);
    let failures = vec![
        step(StepError::NoVariable { id: "a".to_owned(), variable: "A".to_owned() }),
        step(StepError::NoVariable { id: "b".to_owned(), variable: "B".to_owned() }),
    ];
    gallery.add(OpsError::Steps { count: 2, failures }, |error| error);
    gallery.add(step(StepError::Store(no_blob())), |error| error);
}
