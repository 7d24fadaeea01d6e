//! The same image from the same inputs, whatever the threads and whatever is in the store.

use super::bench::{Bench, entry, plain};
use crate::image::{BuiltImage, index};
use crate::packages::PackageBlob;
use crate::recipe::{Compression, Image, ImageEntryKind};

fn packages(bench: &Bench) -> Vec<PackageBlob> {
    let noise = |seed: u32| -> Vec<u8> {
        (0..900_000_u32).flat_map(|number| (number ^ seed).wrapping_mul(2_654_435_761).to_le_bytes()).collect()
    };
    let deb = |name: &str, seed| {
        bench
            .deb(name)
            .file_with(&format!("usr/lib/{name}.bin"), &noise(seed), 0o644)
            .file(&format!("etc/{name}"), name)
    };
    vec![bench.build(&deb("one", 1)), bench.build_as(&deb("two", 2), "gzip"), bench.build_as(&deb("three", 3), "zstd")]
}

fn image(compression: Compression) -> Image {
    let mut image = plain("same");
    image.compression = compression;
    image.entries =
        vec![entry(ImageEntryKind::File { path: "etc/mine".parse().expect("a path"), text: "mine".into() })];
    image
}

fn on_threads(threads: usize, compression: Compression) -> BuiltImage {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let bench = Bench::new();
    let mut packages = packages(&bench);
    if threads == 1 {
        packages.reverse();
    }
    pool.install(|| bench.image(&image(compression), None, &packages))
}

#[test]
fn digests_do_not_depend_on_threads_order_or_store() {
    for compression in [Compression::Gzip, Compression::Zstd] {
        let (one, four) = (on_threads(1, compression), on_threads(4, compression));
        assert_eq!(one, four);
    }
}

#[test]
fn a_warm_store_gives_the_same_and_reads_no_package() {
    let bench = Bench::new();
    let packages = packages(&bench);
    let cold = bench.image(&image(Compression::Gzip), None, &packages);
    for package in &packages {
        fs_err::remove_file(bench.store.blob_path(&package.digest)).expect("it was there");
    }
    assert_eq!(bench.image(&image(Compression::Gzip), None, &packages), cold);
}

#[test]
fn an_index_does_not_depend_on_the_order_of_platforms() {
    let bench = Bench::new();
    let one = bench.image(&image(Compression::Gzip), None, &[]);
    let other = BuiltImage { platform: "linux/arm64".parse().expect("a platform"), ..one.clone() };
    let indexes = [[one.clone(), other.clone()], [other, one]]
        .map(|images| index(&bench.store, &images, [].into()).expect("an index"));
    assert_eq!(indexes[0], indexes[1]);
}
