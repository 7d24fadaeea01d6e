//! Snippets of debhelper's add-ons that hold more than simple commands, and are recognised as a whole: line by line, but
//! for the names in them.

use super::script::Action;

/// What stands for a name in a line.
const NAME: char = '*';

/// A snippet: the tool that adds it, its lines as `super::script` reads them, and what it does with the names in it.
struct Snippet {
    tool: &'static str,
    lines: &'static [&'static str],
    /// None when the names do not fit each other.
    meaning: fn(&[&str]) -> Option<Vec<Action>>,
}

const SNIPPETS: &[Snippet] = &[
    // dh-apparmor 3 to 4: nothing loads profiles into a kernel while an image is made
    Snippet {
        tool: "dh_apparmor",
        lines: &[
            "if [ \"$1\" = \"configure\" ]; then",
            "APP_PROFILE=\"/etc/apparmor.d/*\"",
            "if [ -f \"$APP_PROFILE\" ]; then",
            "LOCAL_APP_PROFILE=\"/etc/apparmor.d/local/*\"",
            "test -e \"$LOCAL_APP_PROFILE\" || {",
            "mkdir -p `dirname \"$LOCAL_APP_PROFILE\"`",
            "install --mode 644 /dev/null \"$LOCAL_APP_PROFILE\"",
            "}",
            "if aa-enabled --quiet 2>/dev/null; then",
            "apparmor_parser -r -T -W \"$APP_PROFILE\" || true",
            "fi",
            "fi",
            "fi",
        ],
        meaning: |names| {
            let [name, local] = names else { return None };
            (name == local).then(|| vec![Action::LocalProfile((*name).to_owned())])
        },
    },
    // dh-runit 2.16: its helper enables no service where none may be started
    Snippet {
        tool: "dh_runit",
        lines: &[
            "if [ ! -e /usr/lib/runit-helper/runit-helper ]; then",
            "echo \"warning: can't find runit-helper, postinst action skipped!\"",
            "echo \"warning: runit-helper: please report this bug\"",
            "fi",
            "if [ -z \"${DPKG_ROOT:-}\" ] && [ -x /usr/lib/runit-helper/runit-helper ]; then",
            "NAME='*' ENABLE='yes' ONUPGRADE='restart' /usr/lib/runit-helper/runit-helper postinst \"$@\"",
            "fi",
        ],
        meaning: |_| Some(Vec::new()),
    },
];

/// What a snippet of `tool` with these lines does; none when it is not one of those that are known.
pub(super) fn recognise(tool: &str, lines: &[String]) -> Option<Vec<Action>> {
    let of_tool = SNIPPETS.iter().filter(|snippet| snippet.tool == tool && snippet.lines.len() == lines.len());
    for snippet in of_tool {
        let names: Option<Vec<Option<&str>>> =
            snippet.lines.iter().zip(lines).map(|(pattern, line)| name(pattern, line)).collect();
        if let Some(names) = names {
            let names: Vec<&str> = names.into_iter().flatten().collect();
            return (snippet.meaning)(&names);
        }
    }
    None
}

/// The name in a line that is as the pattern says, if it has one; none when it is another line.
fn name<'l>(pattern: &str, line: &'l str) -> Option<Option<&'l str>> {
    let Some((before, after)) = pattern.split_once(NAME) else { return (pattern == line).then_some(None) };
    let name = line.strip_prefix(before)?.strip_suffix(after)?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '+' | '@');
    (!name.is_empty() && !name.starts_with('.') && name.chars().all(plain)).then_some(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(of: usize, name: &str) -> Vec<String> {
        SNIPPETS[of].lines.iter().map(|line| line.replace(NAME, name)).collect()
    }

    #[test]
    fn a_snippet_is_known_by_all_its_lines_and_gives_its_name() {
        let known = recognise("dh_apparmor", &lines(0, "usr.sbin.named"));
        assert_eq!(known, Some(vec![Action::LocalProfile("usr.sbin.named".to_owned())]));
        assert_eq!(recognise("dh_runit", &lines(1, "ssh")), Some(Vec::new()));
        assert_eq!(recognise("dh_runit", &lines(0, "ssh")), None, "of another tool");
        for bad in ["../shadow", "", "a b", "$(touch x)", ".hidden"] {
            assert_eq!(recognise("dh_apparmor", &lines(0, bad)), None, "{bad}");
        }
        let mut more = lines(0, "a");
        more[5] = "rm -rf /".to_owned();
        assert_eq!(recognise("dh_apparmor", &more), None);
    }

    #[test]
    fn two_names_that_differ_do_nothing_that_is_known() {
        let mut two = lines(0, "one");
        two[3] = "LOCAL_APP_PROFILE=\"/etc/apparmor.d/local/two\"".to_owned();
        assert_eq!(recognise("dh_apparmor", &two), None);
    }
}
