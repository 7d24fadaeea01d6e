//! Single lines of shell, as far as they can be understood without running them: a command that only takes words, and
//! a condition that only looks. Whatever could do more — a pipe, a second command, a redirection to a file, a
//! substitution — is neither, so that nobody takes it for something that it is not.

/// Commands that may stand in a condition, for they change nothing.
const QUESTIONS: &[&str] = &["command -v ", "which ", "test ", "dpkg-maintscript-helper supports "];

/// What may follow a command without a meaning of its own: its complaints are silenced or forgiven.
const FORGIVEN: &[&str] = &["|| true", "|| :", "||:", "||true", "|| exit 1", "|| exit $?"];

/// The words of a line that is one command and nothing else, without their quotes; none for every other line.
pub(super) fn words(line: &str) -> Option<Vec<String>> {
    let command = FORGIVEN.iter().find_map(|tail| line.strip_suffix(tail)).unwrap_or(line);
    let command = silenced(command.trim_end().trim_end_matches(';'));
    // debhelper's way to name the root that dpkg works on; it is empty in an image
    let command = command.replace("${DPKG_ROOT:+--root=\"$DPKG_ROOT\"} ", "");
    // as debhelper writes the versions that it hands to dpkg-maintscript-helper
    let command = command.replace("\\~", "~").replace("\\+", "+");
    let inert = !command.contains([';', '|', '&', '<', '>', '`', '(', ')', '{', '}', '\\', '*', '?', '[', '#']);
    let words = command.replace(['"', '\''], "");
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    // what assigns, sources or evaluates is more than its words
    let named = words.first().is_some_and(|name| !name.starts_with(['.', '$', '-']) && !name.contains('='));
    (inert && named).then_some(words)
}

/// Whether a line only opens, turns or closes a condition that changes nothing.
pub(super) fn is_condition(line: &str) -> bool {
    match line {
        "then" | "else" | "fi" | "fi;" => return true,
        _ => {}
    }
    let Some(condition) = line.strip_prefix("if ").or_else(|| line.strip_prefix("elif ")) else { return false };
    let condition = condition.strip_suffix("then").map_or(condition, str::trim_end);
    let condition = silenced(condition.trim_end_matches(';'));
    let condition = looked_up(condition.trim());
    condition.replace("||", "&&").split("&&").all(|part| is_question(part.trim()))
}

fn is_question(part: &str) -> bool {
    let part = part.strip_prefix("! ").unwrap_or(part);
    let inert = !part.contains([';', '|', '&', '<', '>', '`', '(', ')', '{', '}']);
    let bracketed = part.strip_prefix("[ ").is_some_and(|rest| rest.ends_with(" ]"));
    let asked = QUESTIONS.iter().any(|question| part.starts_with(question));
    let helper = part.strip_prefix("deb-systemd-helper ").is_some_and(|rest| {
        let verb = rest.split(' ').find(|word| !word.starts_with("--"));
        matches!(verb, Some("was-enabled" | "debian-installed" | "is-enabled"))
    });
    inert && (bracketed || asked || helper)
}

/// Without redirections that throw output away or show it elsewhere. Only whole words are such: `>/dev/nullx` is a file.
fn silenced(text: &str) -> String {
    const QUIET: &[&str] = &[">/dev/null", "1>/dev/null", "2>/dev/null", "2>&1", "1>&2", ">&2"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut kept = Vec::new();
    let mut index = 0;
    while let Some(word) = words.get(index) {
        let apart = matches!(*word, ">" | "1>" | "2>") && words.get(index + 1) == Some(&"/dev/null");
        if !apart && !QUIET.contains(word) {
            kept.push(*word);
        }
        index += if apart { 2 } else { 1 };
    }
    kept.join(" ")
}

/// With the substitutions that only ask where a program is replaced by its name.
fn looked_up(text: &str) -> String {
    let mut text = text.to_owned();
    for (open, close) in [("$(command -v ", ")"), ("`command -v ", "`"), ("$(which ", ")"), ("`which ", "`")] {
        while let Some(start) = text.find(open) {
            let name = start + open.len();
            let end = text[name..].find(close).map(|at| name + at);
            let Some(end) = end.filter(|&end| is_name(&text[name..end])) else { break };
            let program = text[name..end].to_owned();
            text.replace_range(start..end + close.len(), &program);
        }
    }
    text
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_./+".contains(letter))
}

/// The words of a line; double quotes hold spaces together.
pub(super) fn quoted_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_its_words_and_nothing_else() {
        let words = |line| words(line).map(|words| words.join(" "));
        assert_eq!(
            words("deb-systemd-helper unmask 'a.service' >/dev/null || true").as_deref(),
            Some("deb-systemd-helper unmask a.service")
        );
        assert_eq!(
            words("systemd-tmpfiles ${DPKG_ROOT:+--root=\"$DPKG_ROOT\"} --create a.conf || true").as_deref(),
            Some("systemd-tmpfiles --create a.conf")
        );
        assert_eq!(words("invoke-rc.d x $_dh_action || exit 1").as_deref(), Some("invoke-rc.d x $_dh_action"));
        assert_eq!(words("a /x 1:4.7-1\\~ -- \"$@\"").as_deref(), Some("a /x 1:4.7-1~ -- $@"));
        for line in [
            "update-rc.d x defaults\\",
            "update-rc.d x defaults; rm -rf /etc",
            "update-rc.d x defaults && touch /etc/y",
            "update-rc.d x > /etc/y",
            "update-rc.d x >/dev/nully",
            "update-rc.d x 2>/dev/nully",
            "update-rc.d x >&2y",
            "update-rc.d x >>/dev/null/y",
            "update-rc.d x >/dev/null || touch /etc/y",
            "update-rc.d `touch /etc/y`",
            "update-rc.d $(touch /etc/y)",
            "update-rc.d x | tee /etc/y",
            "update-rc.d x &",
            "x=1 update-rc.d y",
            ". /etc/x",
            "$command x",
            "",
        ] {
            assert_eq!(words(line), None, "{line}");
        }
    }

    #[test]
    fn a_condition_only_looks() {
        for line in [
            "if [ \"$1\" = \"configure\" ] || [ \"$1\" = \"abort-upgrade\" ] ; then",
            "if [ -x \"$(command -v systemd-tmpfiles)\" ]; then",
            "if [ \"$1\" = \"configure\" ] && [ -x \"`command -v update-menus`\" ]; then",
            "if command -v py3compile >/dev/null 2>&1; then",
            "if deb-systemd-helper --quiet was-enabled 'a.service'; then",
            "if ! deb-systemd-helper --user debian-installed a ; then",
            "else",
            "fi",
        ] {
            assert!(is_condition(line), "{line}");
        }
        for line in [
            "if rm -rf /etc/x; then",
            "if rm -rf /etc/x",
            "if [ -e x ]; then rm x; fi",
            "if [ -e x ] && rm x; then",
            "if [ -n \"$(touch /etc/x)\" ]; then",
            "if [ -n \"$(which x; touch /etc/y)\" ]; then",
            "if [ -n \"`touch /etc/x`\" ]; then",
            "if command -v x > /etc/y; then",
            "if command -v x 2>/dev/nully; then",
            "if deb-systemd-helper enable was-enabled; then",
            "if touch x || true; then",
        ] {
            assert!(!is_condition(line), "{line}");
        }
    }
}
