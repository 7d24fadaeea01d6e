//! What compilers and build systems of the field need to be told to build for another platform than the one they run
//! on. The same is said when the two are the same, so that a recipe need not know. `docs/sandbox.md` has the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{EPOCH, ImagePath, Platform};

use super::spec::Network;

/// Environment variables, and the files that some of them point at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrossEnvironment {
    /// Variables by name.
    pub variables: BTreeMap<String, String>,
    /// Files by path.
    pub files: BTreeMap<ImagePath, String>,
}

const TOOLCHAIN: &str = "/orchestrate/toolchain.cmake";
const MACHINE: &str = "/orchestrate/machine.ini";

/// What a step sees that runs on `build` and builds for `target`. `JOBS` is not in it: the number of processors must not
/// shape an output.
#[must_use]
pub fn cross_environment(build: Platform, target: Platform, network: Network) -> CrossEnvironment {
    let mut made = Maker::default();
    made.basics();
    made.platform("TARGET", target);
    made.platform("BUILD", build);
    made.compilers(build, target);
    made.pkg_config(target);
    made.go(target, network);
    made.rust(build, target, network);
    made.set("CONFIGURE_HOST", format!("--build={} --host={}", build.triplet(), target.triplet()));
    made.set("CMAKE_TOOLCHAIN_FILE", TOOLCHAIN);
    let kind = if build == target { "--native-file" } else { "--cross-file" };
    made.set("MESON_MACHINE", format!("{kind}={MACHINE}"));
    made.file(TOOLCHAIN, cmake(build, target));
    made.file(MACHINE, meson(build, target));
    made.0
}

#[derive(Default)]
struct Maker(CrossEnvironment);

impl Maker {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.variables.insert(name.to_owned(), value.into());
    }

    fn file(&mut self, path: &str, text: String) {
        if let Ok(path) = ImagePath::absolute(path) {
            self.0.files.insert(path, text);
        }
    }

    fn basics(&mut self) {
        self.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        self.set("HOME", "/tmp/home");
        self.set("USER", "root");
        self.set("LOGNAME", "root");
        self.set("SHELL", "/bin/sh");
        self.set("TERM", "dumb");
        self.set("LANG", "C.UTF-8");
        self.set("LC_ALL", "C.UTF-8");
        self.set("TZ", "UTC");
        self.set("TMPDIR", "/tmp");
        self.set("OUT", "/out");
        self.set("SOURCE_DATE_EPOCH", EPOCH.seconds().to_string());
    }

    /// The platform under all its names: as `${platform.…}` in recipes, and by the names of its parts.
    fn platform(&mut self, prefix: &str, platform: Platform) {
        let parts = [
            ("PLATFORM", platform.to_string()),
            ("OS", platform.os().to_owned()),
            ("ARCH", platform.oci_architecture().to_owned()),
            ("VARIANT", platform.variant().unwrap_or_default().to_owned()),
            ("DEB", platform.deb().to_owned()),
            ("APK", platform.apk().to_owned()),
            ("TRIPLET", platform.triplet().to_owned()),
            ("MULTIARCH", platform.multiarch().to_owned()),
            ("MACHINE", platform.machine().to_owned()),
            ("GO", platform.oci_architecture().to_owned()),
            ("RUST", platform.rust().to_owned()),
        ];
        for (name, value) in parts {
            self.set(&format!("{prefix}_{name}"), value);
        }
    }

    fn compilers(&mut self, build: Platform, target: Platform) {
        const TOOLS: &[(&str, &str)] = &[
            ("CC", "gcc"),
            ("CXX", "g++"),
            ("AR", "ar"),
            ("AS", "as"),
            ("LD", "ld"),
            ("NM", "nm"),
            ("OBJCOPY", "objcopy"),
            ("OBJDUMP", "objdump"),
            ("RANLIB", "ranlib"),
            ("READELF", "readelf"),
            ("STRIP", "strip"),
        ];
        for (name, tool) in TOOLS {
            self.set(name, format!("{}-{tool}", target.triplet()));
            // autotools, then the crates cc and bindgen
            self.set(&format!("{name}_FOR_BUILD"), format!("{}-{tool}", build.triplet()));
            self.set(&format!("HOST_{name}"), format!("{}-{tool}", build.triplet()));
        }
        for (suffix, prefix, platform) in [("", "", target), ("_FOR_BUILD", "", build), ("", "HOST_", build)] {
            let flags = compiler_flags(platform);
            self.set(&format!("{prefix}CFLAGS{suffix}"), flags.clone());
            self.set(&format!("{prefix}CXXFLAGS{suffix}"), flags);
            self.set(&format!("{prefix}CPPFLAGS{suffix}"), "-Wdate-time -D_FORTIFY_SOURCE=2");
            self.set(&format!("{prefix}LDFLAGS{suffix}"), "-Wl,-z,relro -Wl,-z,now");
        }
    }

    fn pkg_config(&mut self, target: Platform) {
        let multiarch = target.multiarch();
        self.set("PKG_CONFIG", "pkg-config");
        self.set("PKG_CONFIG_LIBDIR", format!("/usr/lib/{multiarch}/pkgconfig:/usr/share/pkgconfig"));
        self.set("PKG_CONFIG_SYSTEM_LIBRARY_PATH", format!("/usr/lib/{multiarch}:/usr/lib:/lib/{multiarch}:/lib"));
        self.set("PKG_CONFIG_SYSTEM_INCLUDE_PATH", format!("/usr/include/{multiarch}:/usr/include"));
        self.set("PKG_CONFIG_ALLOW_CROSS", "1"); // the crate of that name refuses otherwise
    }

    fn go(&mut self, target: Platform, network: Network) {
        self.set("GOOS", target.os());
        self.set("GOARCH", target.oci_architecture());
        match target.oci_architecture() {
            "amd64" => self.set("GOAMD64", "v1"),
            "arm64" => self.set("GOARM64", "v8.0"),
            "386" => self.set("GO386", "sse2"),
            _ => {}
        }
        if let Some(goarm) = target.goarm() {
            self.set("GOARM", goarm);
        }
        self.set("CGO_ENABLED", "0");
        self.set("GOPATH", "/tmp/go");
        self.set("GOMODCACHE", "/tmp/go/pkg/mod");
        self.set("GOCACHE", "/tmp/go/cache");
        self.set("GOENV", "off");
        self.set("GOTELEMETRY", "off");
        self.set("GOTOOLCHAIN", "local");
        match network {
            Network::None => {
                self.set("GOFLAGS", "-trimpath -buildvcs=false");
                self.set("GOPROXY", "off");
                self.set("GOSUMDB", "off");
            }
            Network::Host => self.set("GOFLAGS", "-mod=mod -buildvcs=false"),
        }
    }

    fn rust(&mut self, build: Platform, target: Platform, network: Network) {
        self.set("CARGO_BUILD_TARGET", target.rust());
        for platform in [build, target] {
            let name = platform.rust().replace('-', "_");
            let (cc, ar) = (format!("{}-gcc", platform.triplet()), format!("{}-ar", platform.triplet()));
            self.set(&format!("CARGO_TARGET_{}_LINKER", name.to_uppercase()), cc.clone());
            self.set(&format!("CC_{name}"), cc);
            self.set(&format!("CXX_{name}"), format!("{}-g++", platform.triplet()));
            self.set(&format!("AR_{name}"), ar);
            self.set(&format!("CFLAGS_{name}"), compiler_flags(platform));
            self.set(&format!("CXXFLAGS_{name}"), compiler_flags(platform));
        }
        self.set("CARGO_HOME", "/tmp/cargo");
        self.set("CARGO_INCREMENTAL", "0");
        self.set("CARGO_TERM_COLOR", "never");
        if network == Network::None {
            self.set("CARGO_NET_OFFLINE", "true");
        }
    }
}

/// What distributions harden their packages with, without debug information, which images do not carry.
fn compiler_flags(platform: Platform) -> String {
    let mut flags = "-O2 -ffile-prefix-map=/build=. -fstack-protector-strong -fstack-clash-protection -Wformat -Werror=format-security".to_owned();
    match platform.deb() {
        "amd64" => flags.push_str(" -fcf-protection"),
        "arm64" => flags.push_str(" -mbranch-protection=standard"),
        _ => {}
    }
    flags
}

fn cmake(build: Platform, target: Platform) -> String {
    let mut text = String::new();
    if build != target {
        // naming the system is what tells CMake that it builds for another
        let _ = writeln!(text, "set(CMAKE_SYSTEM_NAME Linux)");
        let _ = writeln!(text, "set(CMAKE_SYSTEM_PROCESSOR {})", target.machine());
    }
    let triplet = target.triplet();
    let _ = writeln!(text, "set(CMAKE_C_COMPILER {triplet}-gcc)");
    let _ = writeln!(text, "set(CMAKE_CXX_COMPILER {triplet}-g++)");
    let _ = writeln!(text, "set(CMAKE_ASM_COMPILER {triplet}-gcc)");
    let _ = writeln!(text, "set(CMAKE_LIBRARY_ARCHITECTURE {})", target.multiarch());
    let _ = writeln!(text, "set(PKG_CONFIG_EXECUTABLE /usr/bin/pkg-config)");
    text
}

fn meson(build: Platform, target: Platform) -> String {
    let (triplet, multiarch) = (target.triplet(), target.multiarch());
    let family = match target.machine() {
        "i686" => "x86",
        "armv6l" | "armv7l" => "arm",
        "ppc64le" => "ppc64",
        machine => machine,
    };
    let endian = if target.elf().2 { "little" } else { "big" };
    let mut text = "[binaries]\n".to_owned();
    for (name, tool) in
        [("c", "gcc"), ("cpp", "g++"), ("ar", "ar"), ("strip", "strip"), ("objcopy", "objcopy"), ("ld", "ld")]
    {
        let _ = writeln!(text, "{name} = '{triplet}-{tool}'");
    }
    let _ = writeln!(text, "pkg-config = 'pkg-config'");
    let _ = writeln!(text, "\n[properties]");
    let _ = writeln!(text, "pkg_config_libdir = ['/usr/lib/{multiarch}/pkgconfig', '/usr/share/pkgconfig']");
    let _ = writeln!(text, "needs_exe_wrapper = {}", build != target);
    let _ = writeln!(text, "\n[host_machine]");
    let _ =
        writeln!(text, "system = 'linux'\ncpu_family = '{family}'\ncpu = '{}'\nendian = '{endian}'", target.machine());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Architecture;

    const AMD64: Platform = Platform::new(Architecture::Amd64);
    const ARM64: Platform = Platform::new(Architecture::Arm64);

    #[test]
    fn everything_points_at_the_target() {
        let environment = cross_environment(AMD64, ARM64, Network::None);
        let get = |name: &str| environment.variables.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!(
            (get("CC"), get("CC_FOR_BUILD"), get("HOST_CC")),
            ("aarch64-linux-gnu-gcc", "x86_64-linux-gnu-gcc", "x86_64-linux-gnu-gcc")
        );
        assert_eq!(get("CONFIGURE_HOST"), "--build=x86_64-linux-gnu --host=aarch64-linux-gnu");
        assert_eq!(
            (get("GOARCH"), get("GOPROXY"), get("CARGO_BUILD_TARGET")),
            ("arm64", "off", "aarch64-unknown-linux-gnu")
        );
        assert_eq!(get("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER"), "aarch64-linux-gnu-gcc");
        assert_eq!(get("SOURCE_DATE_EPOCH"), "315532800");
        assert_eq!((get("TARGET_PLATFORM"), get("BUILD_DEB"), get("TARGET_VARIANT")), ("linux/arm64", "amd64", ""));
        assert!(!environment.variables.contains_key("JOBS"));
        let files: Vec<&str> = environment.files.values().map(String::as_str).collect();
        assert!(files[0].contains("needs_exe_wrapper = true") && files[1].contains("CMAKE_SYSTEM_PROCESSOR aarch64"));
    }

    #[test]
    fn a_native_build_is_not_a_cross_build() {
        let environment = cross_environment(AMD64, AMD64, Network::None);
        assert!(!environment.files.values().any(|text| text.contains("CMAKE_SYSTEM_NAME")));
        assert_eq!(environment.variables["MESON_MACHINE"], "--native-file=/orchestrate/machine.ini");
    }

    #[test]
    fn only_vendor_steps_may_ask_the_network() {
        let environment = cross_environment(AMD64, ARM64, Network::Host);
        assert!(
            !environment.variables.contains_key("GOPROXY") && !environment.variables.contains_key("CARGO_NET_OFFLINE")
        );
    }

    #[test]
    fn every_variable_is_in_the_documentation() {
        let page = include_str!("../../docs/sandbox.md");
        let documented = |name: &str| {
            let rust = ["CC_", "CXX_", "AR_", "CFLAGS_", "CXXFLAGS_"]
                .iter()
                .any(|prefix| name.starts_with(prefix) && name.contains("unknown"));
            rust || page.contains(&format!("`{name}`"))
                || name.ends_with("_FOR_BUILD")
                || name.starts_with("HOST_")
                || name.starts_with("TARGET_")
                || name.starts_with("BUILD_")
                || name.starts_with("CARGO_TARGET_")
        };
        let environment = cross_environment(AMD64, ARM64, Network::None);
        let missing: Vec<&String> = environment.variables.keys().filter(|name| !documented(name)).collect();
        assert_eq!(missing, Vec::<&String>::new());
    }
}
