//! What scripts of stages need to be told apart: what only tidies up, what wants a network, and what is for the machine
//! that it runs on rather than for the target.

/// Whether a command only tidies up what would grow an image, or sets how the shell behaves.
pub(super) fn is_upkeep(words: &[&str]) -> bool {
    match words {
        ["set", ..] => true,
        ["rm", rest @ ..] => rest.iter().all(|word| word.starts_with('-') || is_cache(word)),
        _ => false,
    }
}

/// Whether it is what builds leave behind, and images here never have.
pub(super) fn is_cache(path: &str) -> bool {
    let caches = ["/var/lib/apt/lists", "/var/cache/", "/tmp/", "/var/tmp/", "/root/.cache", "/var/log/"];
    caches.iter().any(|cache| path.starts_with(cache))
}

/// Why a script cannot do without a network, when it most likely cannot.
pub(super) fn network(script: &str) -> Option<String> {
    fn first<'w>(script: &str, words: &[&'w str]) -> Option<&'w str> {
        words.iter().copied().find(|word| script.contains(word))
    }
    let has = |words: &[&'static str]| first(script, words);
    if let Some(word) = has(&["apt-get ", "apt ", "apk "])
        .filter(|word| script.contains(&format!("{word}add")) || script.contains("install"))
    {
        return Some(format!("stages have no network: move what `{}` installs into `packages`", word.trim()));
    }
    if has(&["curl ", "wget "]).is_some() {
        return Some("stages have no network: declare `source \"…\" { download \"URL\" }` and `use` it".to_owned());
    }
    if has(&["git clone"]).is_some() {
        return Some(
            "stages have no network: declare `source \"…\" { git \"URL\" tag=\"…\" }` and `use` it".to_owned(),
        );
    }
    let tools = [
        "go get",
        "go install",
        "go mod tidy",
        "npm ci",
        "npm install",
        "npm i ",
        "yarn install",
        "yarn add",
        "pnpm install",
        "pnpm i ",
        "pip install",
        "pip3 install",
        "uv sync",
        "poetry install",
        "bundle install",
        "composer install",
        "mvn ",
        "gradle",
        "cargo install",
        "cargo fetch",
        "cargo build",
        "dotnet restore",
        "corepack",
    ];
    let tool = has(&tools)?;
    Some(format!("stages have no network: bring what `{}` fetches from a `vendor` source", tool.trim()))
}

/// A line of a script as a step has it, which builds for a target that may be another machine.
pub(super) fn adapted(line: &str, image: &str) -> String {
    let mut line = line.replace("$(nproc)", "$JOBS").replace("`nproc`", "$JOBS");
    if let Some(rest) = line.strip_prefix("strip ") {
        line = format!("\"$STRIP\" {rest}");
    }
    if let (Some(rest), false) = (line.strip_prefix("./configure"), line.contains("--host")) {
        line = format!("./configure $CONFIGURE_HOST{rest}");
    }
    if image == "builder-rust" {
        line = line.replace("target/release/", "target/$CARGO_BUILD_TARGET/release/");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_build_for_the_target() {
        assert_eq!(adapted("make -j\"$(nproc)\"", "builder"), "make -j\"$JOBS\"");
        assert_eq!(
            adapted("strip target/release/a", "builder-rust"),
            "\"$STRIP\" target/$CARGO_BUILD_TARGET/release/a"
        );
        assert_eq!(adapted("./configure --prefix=/usr", "builder"), "./configure $CONFIGURE_HOST --prefix=/usr");
        assert_eq!(adapted("./configure --host=x", "builder"), "./configure --host=x");
    }

    #[test]
    fn what_wants_a_network_is_known() {
        assert!(network("apt-get update && apt-get install -y a").is_some_and(|why| why.contains("`packages`")));
        assert!(network("npm ci --omit=dev").is_some_and(|why| why.contains("`npm ci`")));
        assert_eq!(network("go build ./..."), None);
        assert!(is_upkeep(&["rm", "-rf", "/var/lib/apt/lists/*"]) && !is_upkeep(&["rm", "/etc/motd"]));
    }
}
