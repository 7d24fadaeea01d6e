//! What verbs refuse.

use super::{Gallery, OpsError, denied, digest, path};
use crate::image::ImageError;
use crate::import::ImportError;
use crate::model::{ArchivePathError, ByteSize, ImageName, Platform};
use crate::ops::environment::EnvironmentError;
use crate::ops::error::{PinError, SuiteError};
use crate::ops::show::ShowError;
use crate::plan::{Misfit, MisfitKind, PlanError};
use crate::publish::PublishError;
use crate::recipe::{Mistake, Mistakes};
use crate::resolve::Unsatisfiable;
use crate::store::StoreError;

pub(super) fn draw(gallery: &mut Gallery) {
    verbs(gallery);
    projects(gallery);
    plans(gallery);
    imports(gallery);
}

fn image(name: &str) -> ImageName {
    name.parse().expect("a name")
}

fn arm64() -> Platform {
    "linux/arm64".parse().expect("a platform")
}

fn verbs(gallery: &mut Gallery) {
    let place = gallery.place;
    let own = |error| error;
    gallery.add(OpsError::NoProject { start: "/home/user".into() }, own);
    let mistake =
        Mistake::new(place, "there is no package node", "here", "write `packages`").and(gallery.elsewhere, "as here");
    let mistakes = Mistakes { sources: gallery.sources.clone(), list: vec![mistake.clone().as_warning(), mistake] };
    gallery.add(OpsError::Recipes { mistakes: Box::new(mistakes) }, own);
    let store = || StoreError::NoBlob { digest: digest("blob") };
    gallery.add(OpsError::Lock { source: crate::lock::LockError::Io { source: denied() } }, own);
    gallery.add(EnvironmentError::Read { source: denied() }, |source| OpsError::Environment { source });
    let reason = "`mirror` needs the name of an archive and a URL".to_owned();
    let wrong = EnvironmentError::Wrong { path: "environment.kdl".into(), line: 3, reason };
    gallery.add(wrong, |source| OpsError::Environment { source });
    gallery.add(OpsError::Environment { source: EnvironmentError::Read { source: denied() } }, own);
    gallery.add(OpsError::Store { source: store() }, own);
    let unknown = PlanError::UnknownImage { name: image("wbe"), known: vec![image("web"), image("dns")] };
    gallery.add(OpsError::Plan { source: unknown }, own);
    let missing = vec!["package nginx 1.26-1".to_owned(), "caddy.tar.gz".to_owned()];
    gallery.add(OpsError::Fetch { source: crate::fetch::FetchError::Offline { missing } }, own);
    let steps = vec!["vendor web/modules".to_owned()];
    gallery.add(OpsError::VendorRefused { steps, option: "--no-vendor" }, own);
    let lost = || ImageError::Lost { what: "a layer", digest: digest("layer") };
    gallery.add(OpsError::Index { source: lost() }, own);
    gallery.add(OpsError::Publish { source: PublishError::NotALayout { path: "dist".into() } }, own);
    gallery.add(
        OpsError::Output { output: "rootfs:web.tar".to_owned(), takes: "one image for one platform", given: 6 },
        own,
    );
    let archive = || "debian".parse().expect("a name");
    let source = Box::new(SuiteError::Path { source: ArchivePathError::Empty });
    gallery.add(OpsError::Suite { archive: archive(), suite: "trixie".to_owned(), place, source }, own);
    gallery.add(OpsError::NoSuites, own);
    gallery.add(OpsError::NoMirror { archive: archive(), place }, own);
    gallery.add(OpsError::Path { source: ArchivePathError::Part { path: "a/../b".to_owned() } }, own);
    let format = crate::model::Format::Apk;
    gallery.add(OpsError::World { source: crate::distribution::world::WorldError::Unknown { format } }, own);
    gallery.add(OpsError::Catalogue { source: "two indexes have the same name".into() }, own);
    let explanation = vec!["there is no package `ngnix` in trixie".to_owned()];
    let help = Some("did you mean `nginx`?".to_owned());
    let source = Box::new(Unsatisfiable { explanation, places: vec![(place, "asked for here".to_owned())], help });
    gallery.add(OpsError::Unsatisfiable { what: "image `web`".to_owned(), source }, own);
    let distribution = "debian trixie".to_owned();
    gallery.add(OpsError::NoSourcePackage { name: "ngnix".to_owned(), distribution, place }, own);
    let source = Box::new(PinError::Keyring { source: denied() });
    gallery.add(OpsError::Pin { what: "source `caddy`".to_owned(), place, source }, own);
}

fn projects(gallery: &mut Gallery) {
    let place = gallery.place;
    let own = |error| error;
    let shown = |source| OpsError::Show { source };
    let known = || vec!["web".to_owned(), "dns".to_owned()];
    gallery.add(ShowError::Unknown { name: "wbe".to_owned(), known: known() }, shown);
    let name = "web".parse().expect("a name");
    gallery.add(
        ShowError::NotFor { name, platform: arm64(), known: vec!["linux/amd64".parse().expect("a platform")] },
        shown,
    );
    gallery.add(OpsError::Show { source: ShowError::Unknown { name: "elsewhere".to_owned(), known: known() } }, own);
    let (size, budget) = (ByteSize(80 << 20), ByteSize(50 << 20));
    gallery.add(OpsError::TooLarge { image: image("web"), platform: arm64(), size, budget, place }, own);
    gallery.add(OpsError::UnknownRecipe { name: "wbe".to_owned(), known: known() }, own);
    gallery.add(OpsError::NoDistribution { image: image("web"), place }, own);
    gallery.add(OpsError::Import { path: "Dockerfile".into(), source: ImportError::NoFrom }, own);
    gallery.add(OpsError::Exists { path: "images/web/recipe.kdl".into() }, own);
    gallery.add(OpsError::ImageExists { name: "web".to_owned() }, own);
    gallery.add(OpsError::UnknownMachine, own);
    gallery.add(OpsError::Io { source: denied() }, own);
}

fn plans(gallery: &mut Gallery) {
    let (place, elsewhere) = (gallery.place, gallery.elsewhere);
    let plan = |source| OpsError::Plan { source };
    let misfit = |recipe: &str, what: &str, kind, place| Misfit {
        recipe: recipe.parse().expect("a name"),
        what: what.to_owned(),
        kind,
        place,
    };
    let misfits = vec![
        misfit("runtime", "packages of image `runtime` for linux/amd64", MisfitKind::Missing, elsewhere),
        misfit("web", "packages of image `web` for linux/amd64", MisfitKind::Changed, place),
        misfit("web", "packages of image `web` for linux/arm64", MisfitKind::Changed, place),
    ];
    gallery.add(PlanError::Unfit { misfits }, plan);
    let known = || vec![image("web"), image("dns")];
    gallery.add(PlanError::UnknownImage { name: image("wbe"), known: known() }, plan);
    let amd64 = || vec!["linux/amd64".parse().expect("a platform")];
    gallery.add(PlanError::NotFor { name: image("web"), platform: arm64(), known: amd64() }, plan);
    gallery.add(PlanError::NoToolchain { toolchain: image("builder"), build: arm64(), place }, plan);
    gallery.add(PlanError::Local { path: "images/web/files".into(), place, source: denied() }, plan);
    gallery.add(PlanError::ToolchainFromImage { image: image("web"), place }, plan);
    let search =
        PlanError::CacheInSearchPath { cache: path("/opt/bin"), variable: "PATH", folder: path("/opt/bin"), place };
    gallery.add(search, plan);
    gallery.add(PlanError::Dangling { what: "stage `build`".to_owned(), place }, plan);
}

fn imports(gallery: &mut Gallery) {
    let import = |source| OpsError::Import { path: "Dockerfile".into(), source };
    let errors = [
        ImportError::TooLong,
        ImportError::NotText { line: 3 },
        ImportError::Instruction { line: 3, word: "FORM".to_owned() },
        ImportError::Heredoc { line: 3, name: "EOF".to_owned() },
        ImportError::NoFrom,
        ImportError::TooMuch { most: 10_000, what: "instructions" },
        ImportError::Yaml { line: 3, reason: "a tab begins the line".to_owned() },
        ImportError::OtherYaml { wanted: "`contents` nor `entrypoint`", kind: "apko" },
        ImportError::UnknownKind,
        ImportError::NoName,
    ];
    for error in errors {
        gallery.add(error, import);
    }
}
