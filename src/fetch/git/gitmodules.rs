//! `.gitmodules`: where the submodules of a tree come from, in the form of gitmodules(5) and git-config(1).

use std::collections::BTreeMap;

/// URLs of submodules by path; the last value of a key counts. Sections and keys of no concern are skipped, and nothing
/// is ever included from elsewhere.
pub(in crate::fetch) fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    let mut current: Option<String> = None;
    for (number, line) in joined(text) {
        let line = line.trim_start();
        match line.as_bytes().first() {
            None | Some(b'#' | b';') => {}
            Some(b'[') => current = section(line).map_err(|reason| format!("line {number}: {reason}"))?,
            Some(_) => {
                let (key, value) = line.split_once('=').unwrap_or((line, "true"));
                let value = unquote(value).ok_or_else(|| format!("line {number}: the value does not end"))?;
                let Some(name) = &current else { continue };
                let module = modules.entry(name.clone()).or_default();
                match key.trim().to_ascii_lowercase().as_str() {
                    "path" => module.path = Some(value),
                    "url" => module.url = Some(value),
                    _ => {}
                }
            }
        }
    }
    Ok(modules.into_values().filter_map(|module| module.path.zip(module.url)).collect())
}

#[derive(Default)]
struct Module {
    path: Option<String>,
    url: Option<String>,
}

/// Lines with their numbers; those that end in a backslash go on in the next one.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) if !part.ends_with('\\') => (part, true),
            _ => (line, false),
        };
        match lines.last_mut() {
            Some((_, last)) if goes_on => last.push_str(part),
            _ => lines.push((index + 1, part.to_owned())),
        }
        goes_on = more;
    }
    lines
}

/// The name in `[submodule "name"]`; none for another section.
fn section(line: &str) -> Result<Option<String>, &'static str> {
    let inner = line.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')).ok_or("the section does not end")?.0;
    let Some((kind, name)) = inner.split_once('"') else { return Ok(None) };
    if !kind.trim().eq_ignore_ascii_case("submodule") {
        return Ok(None);
    }
    let name = name.strip_suffix('"').ok_or("the name of the section does not end")?;
    Ok(Some(name.replace("\\\"", "\"").replace("\\\\", "\\")))
}

/// A value without its quotes, escapes and comment; none when a quote or escape does not end.
fn unquote(text: &str) -> Option<String> {
    let (mut value, mut kept, mut quoted) = (String::new(), 0, false);
    let mut letters = text.trim_start().chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            '#' | ';' if !quoted => break,
            '\\' => value.push(match letters.next()? {
                'n' => '\n',
                't' => '\t',
                'b' => '\u{8}',
                other => other,
            }),
            other => value.push(other),
        }
        // blanks at the end count only within quotes
        if quoted || !letter.is_whitespace() {
            kept = value.len();
        }
    }
    value.truncate(kept);
    (!quoted).then_some(value)
}

/// The URL of a submodule: one that begins with `./` or `../` is relative to the repository's own.
pub(in crate::fetch) fn resolve(base: &str, url: &str) -> Result<String, String> {
    if !url.starts_with("./") && !url.starts_with("../") {
        return Ok(url.to_owned());
    }
    let out = || format!("`{url}` leads above `{base}`");
    let (scheme, path) = match base.split_once("://") {
        Some((scheme, path)) => (format!("{scheme}://"), path),
        None => (String::new(), base),
    };
    let mut path = path.trim_end_matches('/').to_owned();
    let mut rest = url;
    loop {
        if let Some(below) = rest.strip_prefix("./") {
            rest = below;
        } else if let Some(above) = rest.strip_prefix("../") {
            // the host, or the root of the file system, has no parent
            let slash = path.rfind('/').ok_or_else(out)?;
            path.truncate(slash);
            rest = above;
        } else {
            break;
        }
    }
    Ok(format!("{scheme}{path}/{}", rest.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_read_as_git_writes_and_people_edit_them() {
        let text = "# ours\n[core]\n\tpath = no\n[submodule \"lib/one\"]\n\tpath = lib/one\n\turl = ../one.git ; near\n\
                    [Submodule \"a \\\"b\\\"\"]\n  PATH = \"with space # and hash\"\n  url=https://x.example/\\\ntwo\n\
                    [submodule \"no-url\"]\n\tpath = gone\n";
        let modules = parse(text).expect("a .gitmodules file");
        let found: Vec<(&str, &str)> = modules.iter().map(|(path, url)| (path.as_str(), url.as_str())).collect();
        assert_eq!(found, [("lib/one", "../one.git"), ("with space # and hash", "https://x.example/two")]);
        for wrong in ["[submodule \"x\"]\npath = \"open", "[submodule"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn relative_urls_are_relative_to_the_repository() {
        let resolved = |base: &str, url: &str| resolve(base, url).ok();
        assert_eq!(resolved("https://h.example/a/b.git", "../c.git").as_deref(), Some("https://h.example/a/c.git"));
        assert_eq!(resolved("https://h.example/a/b/", "./c").as_deref(), Some("https://h.example/a/b/c"));
        assert_eq!(resolved("/srv/git/b", "../../x/c").as_deref(), Some("/srv/x/c"));
        assert_eq!(resolved("file:///srv/b", "../c").as_deref(), Some("file:///srv/c"));
        assert_eq!(resolved("https://h.example/b", "../../../c"), None);
        assert_eq!(resolved("https://h.example/b", "git://other/c").as_deref(), Some("git://other/c"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[\\[\\]a-z\"\\\\=#; \n]{0,80}", url in "[./a:]{0,20}") {
            let _ = (parse(&text), resolve(&text, &url));
        }
    }
}
