//! Packages that are put together, images that are made of them, and where these are written.

use std::path::PathBuf;

use super::{Gallery, OpsError, denied, digest, io, path};
use crate::archive::ArchiveError;
use crate::distribution::system::{ConfigureError, UnmodelledScript};
use crate::distribution::world::{ControlError, WorldError};
use crate::image::{AccountError, EntryProblem, Finding, ImageError, ProgramRole};
use crate::model::{Check, Format, Mode, PathError, Platform};
use crate::packages::{Clash, LinkLoop, PackagesError};
use crate::publish::PublishError;
use crate::stage::ScriptsError;
use crate::store::StoreError;

pub(super) fn draw(gallery: &mut Gallery) {
    packages(gallery);
    configuring(gallery);
    images(gallery);
    findings(gallery);
    entries(gallery);
    accounts(gallery);
    outputs(gallery);
}

fn arm64() -> Platform {
    "linux/arm64".parse().expect("a platform")
}

fn amd64() -> Platform {
    "linux/amd64".parse().expect("a platform")
}

fn truncated() -> ArchiveError {
    ArchiveError::Truncated { within: "a block".to_owned() }
}

fn no_blob() -> StoreError {
    StoreError::NoBlob { digest: digest("blob") }
}

fn packages(gallery: &mut Gallery) {
    let step = gallery.step();
    let packages = |source: PackagesError| step(ImageError::from(source).into());
    gallery.add(PackagesError::Store { source: no_blob() }, packages);
    gallery.add(PackagesError::Package { package: "nginx".to_owned(), source: truncated() }, packages);
    let other =
        || ControlError::OtherPackage { wanted: "nginx 1.26-1 amd64".to_owned(), found: "evil 1 amd64".to_owned() };
    gallery.add(PackagesError::Control { source: other() }, packages);
    gallery.add(other(), |source| packages(source.into()));
    let source = ArchiveError::Container { format: ".deb", problem: "it has no `control`".to_owned() }.into();
    gallery.add(ControlError::Unreadable { package: "nginx".to_owned(), source }, |source| packages(source.into()));
    gallery.add(PackagesError::World { source: WorldError::Mixed { one: Format::Deb, other: Format::Apk } }, packages);
    let twice = PackagesError::Twice {
        package: "nginx".to_owned(),
        path: path("/usr/bin/sh"),
        first: path("/bin/sh"),
        second: path("/usr/bin/sh"),
    };
    gallery.add(twice, packages);
    let owner = |package: &str, what: &str| (package.to_owned(), what.to_owned());
    let clash = Clash {
        path: path("/usr/sbin/nginx"),
        first: owner("nginx", "a folder"),
        second: owner("nginx-full", "a file"),
    };
    gallery.add(PackagesError::Conflict { clashes: vec![clash] }, packages);
    let source = Box::new(ConfigureError::Account { name: "www-data".to_owned() });
    gallery.add(PackagesError::Configure { source }, packages);
    gallery.add(PackagesError::Lost { what: "a package", digest: digest("package") }, packages);
    gallery.add(PackagesError::Write { what: "a segment", source: ArchiveError::Write { source: denied() } }, packages);
    gallery.add(PackagesError::Io { doing: "read a package".to_owned(), source: denied() }, packages);
}

fn configuring(gallery: &mut Gallery) {
    let step = gallery.step();
    let configure =
        |error: ConfigureError| step(ImageError::from(PackagesError::Configure { source: Box::new(error) }).into());
    gallery.add(ConfigureError::Read { path: path("/etc/passwd"), source: denied() }, configure);
    gallery.add(ConfigureError::Text { path: path("/etc/passwd") }, configure);
    gallery.add(ConfigureError::Path { source: PathError::Parent { path: "/a/../b".to_owned() } }, configure);
    gallery.add(ConfigureError::Account { name: "www-data".to_owned() }, configure);
    let reason = "`conffiles` names a folder".to_owned();
    gallery.add(ConfigureError::Control { package: "nginx".to_owned(), reason }, configure);
}

fn images(gallery: &mut Gallery) {
    let step = gallery.step();
    let image = |error: ImageError| step(error.into());
    gallery.add(ImageError::Store { source: no_blob() }, image);
    gallery.add(
        ImageError::Packages { source: PackagesError::Lost { what: "a package", digest: digest("package") } },
        image,
    );
    let entry = ImageError::Entry {
        place: gallery.elsewhere,
        path: path("/srv"),
        problem: EntryProblem::Nothing { path: path("/srv") },
    };
    gallery.add(entry, image);
    gallery.add(ImageError::Account { source: account_field(gallery) }, image);
    let script = UnmodelledScript {
        package: "nginx".to_owned(),
        version: "1.26-1".to_owned(),
        script: "postinst",
        fingerprint: "0123456789ab".to_owned(),
        lines: (1..=8).map(|line| format!("line {line}")).collect(),
        checked: vec!["1.22-9"],
    };
    gallery.add(ImageError::UnknownScripts { scripts: vec![script] }, image);
    gallery.add(ImageError::Scripts { source: ScriptsError::NoEmulator { platform: arm64() } }, image);
    gallery.add(ImageError::NoInstaller { package: "dpkg" }, image);
    gallery.add(ImageError::ForeignScripts { platform: arm64(), native: amd64() }, image);
    gallery.add(ImageError::Foreign { reason: "it has no configuration".to_owned() }, image);
    gallery.add(ImageError::ForeignLayer { digest: digest("layer"), source: truncated() }, image);
    gallery.add(ImageError::Lost { what: "a layer", digest: digest("layer") }, image);
    gallery.add(ImageError::Damaged { source: truncated() }, image);
    gallery.add(ImageError::Write { what: "a layer", source: ArchiveError::Write { source: denied() } }, image);
    let io = ImageError::Io { doing: "read a layer".to_owned(), source: io(std::io::ErrorKind::UnexpectedEof) };
    gallery.add(io, image);
}

fn findings(gallery: &mut Gallery) {
    let (place, step) = (gallery.place, gallery.step());
    let role = ProgramRole::Entrypoint;
    let nginx = || path("/usr/sbin/nginx");
    let mode = |text: &str| text.parse::<Mode>().expect("a mode");
    let findings = vec![
        Finding::NoProgram { place, role, program: "nginx".to_owned() },
        Finding::NotExecutable { place, role, path: nginx(), user: Some("www-data".to_owned()) },
        Finding::NoLoader { place, role, path: nginx(), loader: "/lib64/ld-linux-x86-64.so.2".to_owned() },
        Finding::NoUser { place, what: "user", name: "web".to_owned(), known: vec!["root".to_owned()] },
        Finding::Machine { place, path: nginx(), found: "x86-64".to_owned(), platform: arm64() },
        Finding::NoLibrary { place, path: nginx(), program: None, library: "libssl.so.3".to_owned(), elsewhere: None },
        Finding::NoInterpreter { place, path: path("/srv/run"), interpreter: "/bin/sh".to_owned() },
        Finding::SetId { place, path: path("/usr/bin/su"), mode: mode("4755") },
        Finding::WorldWritable { place, path: path("/srv"), mode: mode("0777") },
        Finding::Named {
            place,
            check: Check::Locale,
            variable: "LANG".to_owned(),
            value: "de_DE".to_owned(),
            path: "/usr/lib/locale/de_DE".to_owned(),
        },
    ];
    for finding in findings {
        let hints = vec!["`orchestrate find FILE` names packages that have it".to_owned()];
        gallery.add(ImageError::Checks { findings: vec![finding], hints }, |error| step(error.into()));
    }
}

fn entries(gallery: &mut Gallery) {
    let (place, step) = (gallery.elsewhere, gallery.step());
    let entry = |problem| step(ImageError::Entry { place, path: path("/srv/web"), problem }.into());
    let looping = || LinkLoop { path: path("/srv/a") };
    gallery.add(EntryProblem::Loop { source: looping() }, entry);
    gallery.add(looping(), |source| entry(source.into()));
    gallery.add(EntryProblem::NotAFolder { path: path("/srv"), kind: "a file of nginx".to_owned() }, entry);
    gallery.add(EntryProblem::OtherKind { there: "a folder".to_owned(), new: "a file".to_owned() }, entry);
    gallery.add(EntryProblem::Unknown { who: "user `web`".to_owned() }, entry);
    gallery.add(EntryProblem::Nothing { path: path("/srv/web") }, entry);
    gallery.add(EntryProblem::NoFile { path: path("/srv/web") }, entry);
    let problem = "is a device".to_owned();
    gallery.add(EntryProblem::Source { path: "dev/null".to_owned(), problem }, entry);
    gallery.add(EntryProblem::Read { path: "files/web.conf".to_owned(), source: denied() }, entry);
}

fn account_field(gallery: &Gallery) -> AccountError {
    AccountError::Field { place: gallery.elsewhere, name: "web".to_owned(), field: "home" }
}

fn accounts(gallery: &mut Gallery) {
    let (place, step) = (gallery.elsewhere, gallery.step());
    let account = |source| step(ImageError::Account { source }.into());
    let (name, holder) = (|| "web".to_owned(), || "www-data".to_owned());
    gallery.add(AccountError::UidTaken { place, name: name(), id: 33, holder: holder() }, account);
    gallery.add(AccountError::GidTaken { place, name: name(), id: 33, holder: holder() }, account);
    let taken =
        AccountError::NameTaken { place, what: "account", name: name(), existing: "33".to_owned(), wanted: 100 };
    gallery.add(taken, account);
    gallery.add(account_field(gallery), account);
    gallery.add(AccountError::Member { place, group: "ssl-cert".to_owned(), member: name() }, account);
}

fn outputs(gallery: &mut Gallery) {
    let publish = |source| OpsError::Publish { source };
    let dist = || PathBuf::from("dist");
    let source = io(std::io::ErrorKind::NotADirectory);
    gallery.add(PublishError::Io { doing: "write", path: dist(), source }, publish);
    gallery.add(PublishError::Store { source: no_blob() }, publish);
    gallery.add(PublishError::Takes { takes: "one image for one platform", given: 6 }, publish);
    gallery.add(PublishError::NotALayout { path: dist() }, publish);
    let source = serde_json::from_str::<u8>("no").expect_err("no number");
    gallery.add(PublishError::Index { path: dist().join("index.json"), source }, publish);
    gallery.add(PublishError::Layer { layer: digest("layer"), source: truncated() }, publish);
    let below = PublishError::BelowNoFolder {
        path: path("/srv/web/a"),
        layer: digest("layer"),
        above: path("/srv/web"),
        kind: "a file".to_owned(),
    };
    gallery.add(below, publish);
    gallery.add(
        PublishError::Archive { path: "web.tar".into(), source: ArchiveError::Write { source: denied() } },
        publish,
    );
    gallery.add(PublishError::Platforms { output: "a docker archive", platforms: vec![amd64(), arm64()] }, publish);
}
