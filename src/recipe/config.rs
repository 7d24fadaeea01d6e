//! What a container runtime is told of an image, and the contract that it is meant to run under.

use crate::model::{ImagePath, Principal, Seconds, Spanned};

use super::Mistake;
use super::drafts::ImageDraft;
use super::entries::capability;
use super::project::{EnvVar, Healthcheck, Port, Runtime, User};
use super::read::{Read, Written};
use super::reader::texts;
use super::reader::{Reader, Row, Table};
use super::reads::EnvName;
use super::shape::Shape;
use crate::diagnostic::nearest::suggestion;

/// A user, or a user and a group: `USER` or `USER:GROUP`.
struct UserAndGroup(Principal, Option<Principal>);

impl Read for UserAndGroup {
    const WORD: &'static str = "USER";
    const EXPECTED: &'static str = "a user, or a user and a group";
    const EXAMPLE: &'static str = "\"caddy\"";
    const WRITTEN: Written = Written::NumberOrText;
    fn read(value: &super::node::Value) -> Option<Result<Self, String>> {
        let Some(text) = value.text() else {
            return Principal::read(value).map(|user| user.map(|user| Self(user, None)));
        };
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let read = || Ok(Self(user.parse()?, group.map(str::parse).transpose()?));
        Some(read().map_err(|error: crate::model::PrincipalError| error.to_string()))
    }
}

pub(super) fn user(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let user = node.argument::<UserAndGroup>("an account or number");
    let reason = if node.has("reason") { node.reason() } else { node.property("reason").map(|reason| reason.value) };
    let Some(user) = user else { return };
    let root = user.0 == Principal::Id(0) || user.0 == Principal::Name("root".to_owned());
    match (root, &reason) {
        (true, None) if !node.has("reason") => {
            let help = "name another user, or say why: `user \"root\" reason=\"…\"`";
            node.mistake(node.place(), "an image that runs as root must say why", "without a reason", help);
        }
        (false, Some(_)) => {
            let place = node.place_of("reason").unwrap_or(node.place());
            node.mistake(place, "only root needs a reason", "not needed", "remove `reason`");
        }
        _ => {}
    }
    let place = user.place;
    let UserAndGroup(user, group) = user.value;
    draft.config.user = Some(Spanned::new(User { user, group, reason }, place));
}

pub(super) fn env(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let (name, value) = (node.argument::<EnvName>("a name"), node.argument::<String>("a value"));
    let doc = node.property::<String>("doc").map(|doc| doc.value);
    let (Some(name), Some(value)) = (name, value) else { return };
    let place = name.place;
    let name = name.value.0;
    let known = draft.config.env.iter().position(|first| first.name == name);
    if let Some(first) = known.and_then(|index| draft.env_places.get(index)) {
        let mistake = Mistake::new(place, format!("`{name}` is set twice"), "again here", "keep one of the two");
        return node.cx.sink.push(mistake.and(*first, "first here"));
    }
    draft.env_places.push(place);
    draft.config.env.push(EnvVar { name, value: value.value, doc });
}

/// A command and its arguments, or these alone, run without a shell; `what` the first of them is.
pub(super) fn argv(node: &mut Reader<'_>, what: &str) -> Vec<String> {
    let argv = texts(node, what);
    if argv.first().is_some_and(|program| program.trim().is_empty() || (program.contains(' ') && argv.len() == 1)) {
        let help = "write the program and each argument as a text of its own: `\"/usr/bin/app\" \"--flag\"`";
        node.mistake(
            node.place(),
            format!("`{}` is run without a shell", *node.node.name),
            "one text with spaces",
            help,
        );
    }
    argv
}

/// One port, or several that follow each other.
struct Ports(u16, u16);

impl Read for Ports {
    const WORD: &'static str = "PORT";
    const EXPECTED: &'static str = "a port or a range of ports";
    const EXAMPLE: &'static str = "443` or `\"6000-6009\"";
    const WRITTEN: Written = Written::NumberOrText;
    fn read(value: &super::node::Value) -> Option<Result<Self, String>> {
        let text = match value {
            super::node::Value::Text(text) | super::node::Value::Filled(text) => text,
            super::node::Value::Number { written, .. } => written,
            _ => return None,
        };
        let port = |text: &str| text.parse::<u16>().ok().filter(|&port| port > 0 && !text.starts_with('+'));
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let ports = port(first).zip(port(last)).filter(|(first, last)| first <= last);
        Some(ports.map(|(first, last)| Self(first, last)).ok_or_else(|| format!("`{text}` is not a port: 1 to 65535")))
    }
}

pub(super) fn expose(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let ports = node.argument::<Ports>("a port");
    let words = [("tcp", "tcp"), ("udp", "udp"), ("sctp", "sctp")];
    let protocol = node.property_word("protocol", &words).unwrap_or("tcp").to_owned();
    let Some(Spanned { value: Ports(first, last), place }) = ports else { return };
    let overlaps = |known: &Port| known.protocol == protocol && known.first <= last && first <= known.last;
    let known = draft.config.expose.iter().position(overlaps);
    if let Some(earlier) = known.and_then(|index| draft.port_places.get(index)) {
        let message = format!("port {first} ({protocol}) is exposed twice");
        let mistake = Mistake::new(place, message, "again here", "keep one of the two");
        return node.cx.sink.push(mistake.and(*earlier, "first here"));
    }
    draft.port_places.push(place);
    draft.config.expose.push(Port { first, last, protocol });
}

pub(super) fn healthcheck(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    if node.node.key().is_some_and(|first| *first == "none") {
        let _: Option<()> = node.word("`\"none\"`", &[("none", ())]);
        draft.config.healthcheck = node.reason().map(|reason| Healthcheck::None { reason });
        return;
    }
    let argv = argv(node, "a program");
    let duration = |node: &mut Reader<'_>, name| node.property::<Seconds>(name).map(|duration| duration.value);
    draft.config.healthcheck = Some(Healthcheck::Command {
        argv,
        interval: duration(node, "interval"),
        timeout: duration(node, "timeout"),
        start_period: duration(node, "start-period"),
        retries: node.property::<u32>("retries").map(|retries| retries.value),
    });
}

/// The signals that end or tell a process something (signal(7)).
const SIGNALS: &[&str] = &[
    "SIGTERM",
    "SIGINT",
    "SIGQUIT",
    "SIGHUP",
    "SIGKILL",
    "SIGUSR1",
    "SIGUSR2",
    "SIGWINCH",
    "SIGRTMIN+3",
    "SIGABRT",
    "SIGCONT",
];

pub(super) fn stop_signal(draft: &mut ImageDraft, node: &mut Reader<'_>) {
    let Some(signal) = node.argument::<String>("a signal") else { return };
    if SIGNALS.contains(&signal.as_str()) {
        draft.config.stop_signal = Some(signal.value);
    } else {
        let help = suggestion(&signal, SIGNALS.iter().copied(), "");
        node.mistake(signal.place, format!("unknown signal `{}`", *signal), "not known", help);
    }
}

pub(super) const RUNTIME: Table<Runtime> = Table {
    what: "a runtime contract",
    rows: &[
        Row::new(
            Shape::once("read-only", "read-only #true")
                .means("Whether its root file system is read-only.")
                .otherwise("`#false`"),
            |runtime, node| {
                runtime.read_only = node.argument("a yes or no").is_some_and(|yes| yes.value);
            },
        ),
        Row::new(
            Shape::any("capabilities", "capabilities \"NET_BIND_SERVICE\"")
                .means("Capabilities that it keeps.")
                .otherwise("none")
                .set(),
            |runtime, node| {
                for name in node.arguments::<String>("a capability") {
                    let known = capability(node, &name);
                    runtime.capabilities.extend(known.filter(|known| !runtime.capabilities.contains(known)));
                }
            },
        ),
        Row::new(Shape::any("tmpfs", "tmpfs \"/tmp\"").means("Folders that are in memory.").set(), |runtime, node| {
            runtime.tmpfs.extend(node.arguments::<ImagePath>("a folder").into_iter().map(|path| path.value));
        }),
        Row::new(
            Shape::any("devices", "devices \"/dev/net/tun\"").means("Devices that it sees, below `/dev`.").set(),
            |runtime, node| {
                for path in node.arguments::<String>("a device") {
                    if path.starts_with("/dev/") && ImagePath::absolute(&path).is_ok() {
                        runtime.devices.push(path.value);
                    } else {
                        node.mistake(path.place, format!("`{}` is not a device", *path), "not below /dev", node.like());
                    }
                }
            },
        ),
        Row::new(
            Shape::any("groups", "groups \"render\"").means("Further groups of its process, by name or number.").set(),
            |runtime, node| {
                runtime.groups.extend(node.arguments("a group").into_iter().map(|group| group.value));
            },
        ),
        Row::new(
            Shape::once("metrics", "metrics \":9090/metrics\"").means("Where its metrics are served."),
            |runtime, node| {
                runtime.metrics = node.argument::<String>("where they are served").map(|metrics| metrics.value);
            },
        ),
    ],
};

impl Reader<'_> {
    /// The property `reason`, which must say something.
    pub(super) fn reason(&mut self) -> Option<String> {
        let reason = self.required_or::<String>("reason", |node| {
            let message = format!("`{}` needs a reason", *node.node.name);
            node.mistake(node.place(), message, "why?", "say it: `reason=\"…\"`");
        })?;
        if reason.trim().is_empty() {
            let mistake = Mistake::new(reason.place, "the reason is empty", "says nothing", "say it in a sentence");
            self.cx.sink.push(mistake);
        }
        Some(reason.value)
    }
}
