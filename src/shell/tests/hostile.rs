//! Scripts that want too much, or what the machine has: each ends in a refusal, soon.

use std::time::{Duration, Instant};

use super::super::{Dialect, Quota};
use super::oracle::interpreted;

/// Small limits: what is tested is that each way reaches one.
const LIMITS: Quota = Quota { steps: 20_000, bytes: 4 << 20, depth: 60 };

fn refused(text: &str) -> String {
    let begun = Instant::now();
    let (outcome, _) = interpreted(text, Dialect::Bash, &[("etc/", "")], LIMITS);
    let shown: String = text.chars().take(60).collect();
    assert!(begun.elapsed() < Duration::from_secs(20), "{shown} takes {:?}", begun.elapsed());
    match outcome {
        Err(refusal) => refusal.what,
        Ok(outcome) => panic!("{shown} ends with {} and {} bytes", outcome.status, outcome.output.len()),
    }
}

#[test]
fn what_does_not_end_is_refused() {
    for text in [
        "while :; do :; done".to_owned(),
        "f() { f; }; f".to_owned(),
        "f() { f | f; }; f".to_owned(),
        "f() { $(f); }; f".to_owned(),
        "x=a; while :; do x=$x$x; done".to_owned(),
        "set -- a a; while :; do set -- \"$@\" \"$@\"; done".to_owned(),
        "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done >f".to_owned(),
        "echo x >f; while :; do cat f f >g; cat g >f; done".to_owned(),
        "a='eval \"$a\"'; eval \"$a\"".to_owned(),
        "trap 'trap \"$0\" EXIT; while :; do :; done' EXIT".to_owned(),
        "sh -c 'while :; do :; done'".to_owned(),
        "echo '. ./s' >s; . ./s".to_owned(),
        "i=0; while :; do i=$((i+1)); mkdir d$i; cd d$i; done".to_owned(),
        "sed ':a;s/$/aaaaaaaaaaaaaaaa/;ba' <<< x".to_owned(),
        "seq 1 100000000".to_owned(),
        format!("x={}; while :; do case $x in *a*a*a*a*a*a*a*b) ;; esac; done", "a".repeat(3000)),
        format!("x={}; for i in 1 2 3 4 5 6 7 8 9; do x=$x$x; done; echo ${{x%%*b*b*}}", "a".repeat(300)),
        "printf '%1000000000d' 1".to_owned(),
        "xargs sh -c 'while :; do :; done' <<< x".to_owned(),
    ] {
        refused(&text);
    }
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let deep = |open: &str, inside: &str, close: &str| format!("{}{inside}{}", open.repeat(5000), close.repeat(5000));
    for text in [
        deep("(", "true", ")"),
        deep("{ ", "true;", "}"),
        format!("echo {}", deep("$(", "true", ")")),
        format!("echo {}", deep("\"$(", "true", ")\"")),
        format!("echo {}", deep("${x:-", "y", "}")),
        deep("if ", "true", "; then :; fi"),
        deep("while ", "true", "; do :; done"),
        format!("echo $(({}))", deep("(", "1", ")")),
        format!("echo $(({}1))", "- ".repeat(5000)),
        format!("echo $(({}1))", "1?".repeat(5000)),
        format!("[[ {} ]]", deep("( ", "x", " )")),
        format!("[ {} x ]", "! ".repeat(5000)),
        format!("find . {}", "\\( ".repeat(90)),
        "f() ".repeat(5000) + "{ :; }",
        "! ".repeat(5000) + "true",
        "case x in x) ".repeat(5000),
    ] {
        let what = refused(&text);
        assert!(!what.is_empty());
    }
}

#[test]
fn what_the_machine_has_is_refused() {
    for text in [
        "echo $$",
        "echo $!",
        "echo $RANDOM",
        "echo $PPID",
        "echo $HOSTNAME",
        "echo $SECONDS",
        "cat /dev/urandom",
        "head -c 8 /dev/random",
        "read x </dev/urandom",
        "sleep 1 &",
        "times",
        "kill 1",
        "ulimit -n",
        "set",
        "env",
        "jobs",
    ] {
        assert!(!refused(text).is_empty());
    }
}

#[test]
fn a_refusal_says_where() {
    let (outcome, _) =
        interpreted("true\nif true; then\n  echo a\n  unknown=$(echo $RANDOM)\nfi\n", Dialect::Bash, &[], LIMITS);
    assert_eq!(outcome.expect_err("refused").to_string(), "line 4: the variable RANDOM, which comes from the machine");
    let tree = &[("lib", "true\ntrue\necho $$\n")];
    let (outcome, _) = interpreted("true\n. ./lib\n", Dialect::Posix, tree, LIMITS);
    assert_eq!(outcome.expect_err("refused").to_string(), "line 3 of /./lib: `$$`, the number of a process");
}

#[test]
fn what_is_not_on_the_path_does_not_matter() {
    let (outcome, _) = interpreted(
        "if false; then sleep 5 & wait $!; fi; echo $((1+1)); f() { kill $$; }",
        Dialect::Posix,
        &[],
        LIMITS,
    );
    assert_eq!(outcome.expect("understood").output, b"2\n");
}

#[test]
fn odd_texts_are_refused_or_harmless() {
    for text in [
        "echo 'open",
        "echo \"open",
        "echo $(open",
        "echo ${open",
        "echo `open",
        "echo $((1",
        "if",
        "if true; then",
        "case x in",
        "for",
        "for x in a; do",
        "{ true",
        "(",
        ")",
        "}",
        "fi",
        "done",
        ";;",
        "&&",
        "||",
        "|",
        "a &&",
        "a |",
        "<",
        ">",
        "<<",
        "cat <<EOF\nno end",
        "f(",
        "f()",
        "! ",
        "\\",
        "$",
        "${}",
        "${x",
        "${x:}",
        "${#",
        "${##}",
        "${x%",
        "$(",
        "$((",
        "[[",
        "[[ a",
        "((",
        "a=(",
        "a=( b",
        "\u{0}",
        "\u{feff}echo",
        "echo \u{202e}x",
        "case x in (x) esac",
        "${x/a",
        "x=${y:=",
    ] {
        for dialect in [Dialect::Posix, Dialect::Bash] {
            let _ = interpreted(text, dialect, &[], LIMITS); // it comes back
        }
    }
}
