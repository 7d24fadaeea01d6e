//! Signals by name or number, as recipes name them.

/// Those that recipes know, with their numbers on Linux (signal(7)).
const KNOWN: &[(&str, &str)] = &[
    ("SIGTERM", "15"),
    ("SIGINT", "2"),
    ("SIGQUIT", "3"),
    ("SIGHUP", "1"),
    ("SIGKILL", "9"),
    ("SIGUSR1", "10"),
    ("SIGUSR2", "12"),
    ("SIGWINCH", "28"),
    ("SIGRTMIN+3", "37"),
    ("SIGABRT", "6"),
    ("SIGCONT", "18"),
];

/// The name of a signal.
pub(super) fn read(text: &str) -> Option<&'static str> {
    let upper = text.trim().to_ascii_uppercase();
    let is = |name: &str, number: &str| upper == name || name.strip_prefix("SIG") == Some(&upper) || upper == number;
    KNOWN.iter().find(|(name, number)| is(name, number)).map(|(name, _)| *name)
}
