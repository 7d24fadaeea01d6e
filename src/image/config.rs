//! A recipe's configuration → the OCI configuration, on top of what the base image says.

use std::collections::BTreeMap;

use crate::model::{Platform, Seconds, Timestamp};
use crate::recipe;

use super::oci::{Empty, Execution, History, ImageConfig, OciHealthcheck, RootFs};

/// Labels of the contract that an image is meant to run under, for orchestrators and for people:
///
/// | label | value |
/// |---|---|
/// | `orchestrate.runtime.read-only` | `true`: the root file system may be read-only |
/// | `orchestrate.runtime.capabilities` | capabilities that must be kept, without `CAP_`, by comma; empty: drop all |
/// | `orchestrate.runtime.tmpfs` | folders in memory, by comma |
/// | `orchestrate.runtime.devices` | devices that are passed in, by comma |
/// | `orchestrate.runtime.groups` | extra groups of the process, by comma |
/// | `orchestrate.runtime.metrics` | where metrics are served |
/// | `orchestrate.runtime.root` | why it runs as root |
/// | `orchestrate.runtime.no-healthcheck` | why it has no health check |
/// | `orchestrate.env.NAME` | what an environment variable is for |
///
/// They are the image's own: an image built on another does not inherit them, nor `org.opencontainers.image.*`, which
/// describe the other image.
pub const CONTRACT: &str = "orchestrate.";
const DESCRIPTION: &str = "org.opencontainers.image.";

/// The labels that [`CONTRACT`] documents, as `config` and `runtime` say them.
#[must_use]
pub fn contract(config: &recipe::Config, runtime: &recipe::Runtime) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut say = |name: &str, value: String| labels.insert(format!("{CONTRACT}{name}"), value);
    if runtime.read_only {
        say("runtime.read-only", "true".to_owned());
    }
    if *runtime != recipe::Runtime::default() {
        say("runtime.capabilities", list(&runtime.capabilities).to_ascii_uppercase());
    }
    let lists = [
        ("runtime.tmpfs", list(&runtime.tmpfs)),
        ("runtime.devices", list(&runtime.devices)),
        ("runtime.groups", list(&runtime.groups)),
        ("runtime.metrics", runtime.metrics.clone().unwrap_or_default()),
    ];
    for (name, value) in lists.into_iter().filter(|(_, value)| !value.is_empty()) {
        say(name, value);
    }
    if let Some(reason) = config.user.as_ref().and_then(|user| user.reason.clone()) {
        say("runtime.root", reason);
    }
    if let Some(recipe::Healthcheck::None { reason }) = &config.healthcheck {
        say("runtime.no-healthcheck", reason.clone());
    }
    for variable in &config.env {
        if let Some(doc) = &variable.doc {
            say(&format!("env.{}", variable.name), doc.clone());
        }
    }
    labels
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

/// What `config` says on top of `base`: single values replace, environment, ports, volumes and labels are added to. A
/// new entrypoint drops the base's arguments, which were meant for another program.
#[must_use]
pub(super) fn execution(
    config: &recipe::Config,
    labels: BTreeMap<String, String>,
    base: Option<&Execution>,
) -> Execution {
    let mut result = base.cloned().unwrap_or_default();
    result.labels.retain(|name, _| !name.starts_with(CONTRACT) && !name.starts_with(DESCRIPTION));
    result.labels.extend(labels);
    if let Some(user) = &config.user {
        result.user = match &user.group {
            Some(group) => format!("{}:{group}", user.user),
            None => user.user.to_string(),
        };
    }
    for variable in &config.env {
        let setting = format!("{}={}", variable.name, variable.value);
        let same = |known: &&mut String| known.split('=').next() == Some(&variable.name);
        match result.env.iter_mut().find(same) {
            Some(known) => *known = setting,
            None => result.env.push(setting),
        }
    }
    if let Some(workdir) = &config.workdir {
        result.working_dir = workdir.to_string();
    }
    if let Some(entrypoint) = &config.entrypoint {
        result.entrypoint = Some(entrypoint.clone());
        result.cmd = None;
    }
    if let Some(command) = &config.command {
        result.cmd = Some(command.clone());
    }
    result.exposed_ports.extend(config.expose.iter().map(|port| (show_port(port), Empty {})));
    result.volumes.extend(config.volumes.iter().map(|volume| (volume.to_string(), Empty {})));
    if let Some(healthcheck) = &config.healthcheck {
        result.healthcheck = Some(docker_healthcheck(healthcheck));
    }
    if let Some(signal) = &config.stop_signal {
        result.stop_signal = signal.clone();
    }
    result
}

fn show_port(port: &recipe::Port) -> String {
    if port.first == port.last {
        format!("{}/{}", port.first, port.protocol)
    } else {
        format!("{}-{}/{}", port.first, port.last, port.protocol)
    }
}

fn docker_healthcheck(healthcheck: &recipe::Healthcheck) -> OciHealthcheck {
    let nanoseconds = |time: &Option<Seconds>| time.map_or(0, |time| time.0.saturating_mul(1_000_000_000));
    match healthcheck {
        recipe::Healthcheck::None { .. } => {
            OciHealthcheck { test: vec!["NONE".to_owned()], ..OciHealthcheck::default() }
        }
        recipe::Healthcheck::Command { argv, interval, timeout, start_period, retries } => OciHealthcheck {
            test: std::iter::once("CMD".to_owned()).chain(argv.iter().cloned()).collect(),
            interval: nanoseconds(interval),
            timeout: nanoseconds(timeout),
            start_period: nanoseconds(start_period),
            retries: retries.map_or(0, u64::from),
        },
    }
}

/// The whole configuration: `layers` are the image's own on top of those of `base`.
#[must_use]
pub(super) fn document(
    platform: Platform,
    created: Timestamp,
    execution: Execution,
    base: Option<&ImageConfig>,
    layers: Vec<(crate::model::Digest, String)>,
) -> ImageConfig {
    let mut diff_ids = base.map(|base| base.rootfs.diff_ids.clone()).unwrap_or_default();
    let mut history = base.map(|base| base.history.clone()).unwrap_or_default();
    for (diff_id, comment) in layers {
        diff_ids.push(diff_id);
        history.push(History {
            created: Some(created),
            created_by: "orchestrate".to_owned(),
            comment,
            empty_layer: false,
        });
    }
    ImageConfig {
        created: Some(created),
        architecture: platform.oci_architecture().to_owned(),
        os: platform.os().to_owned(),
        variant: platform.variant().map(str::to_owned),
        config: execution,
        rootfs: RootFs { kind: "layers".to_owned(), diff_ids },
        history,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::oci;

    fn healthy() -> recipe::Config {
        recipe::Config {
            env: vec![recipe::EnvVar { name: "A".into(), value: "2".into(), doc: Some("what A is".into()) }],
            entrypoint: Some(vec!["/bin/x".into()]),
            expose: vec![recipe::Port { first: 53, last: 53, protocol: "udp".into() }],
            healthcheck: Some(recipe::Healthcheck::Command {
                argv: vec!["/bin/x".into(), "check".into()],
                interval: Some(Seconds(120)),
                timeout: None,
                start_period: Some(Seconds(10)),
                retries: Some(1),
            }),
            ..recipe::Config::default()
        }
    }

    #[test]
    fn a_configuration_is_written_as_docker_reads_it() {
        let text = String::from_utf8(oci::bytes(&execution(&healthy(), BTreeMap::new(), None))).expect("text");
        assert_eq!(
            text,
            r#"{"ExposedPorts":{"53/udp":{}},"Env":["A=2"],"Entrypoint":["/bin/x"],"Healthcheck":{"Test":["CMD","/bin/x","check"],"Interval":120000000000,"StartPeriod":10000000000,"Retries":1}}"#
        );
    }

    #[test]
    fn an_image_adds_to_its_base_and_replaces_single_values() {
        let base = Execution {
            env: vec!["PATH=/bin".into(), "A=1".into()],
            cmd: Some(vec!["old".into()]),
            labels: [("org.opencontainers.image.title", "base"), ("orchestrate.runtime.read-only", "true"), ("k", "v")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            stop_signal: "SIGINT".into(),
            ..Execution::default()
        };
        let labels = contract(&healthy(), &recipe::Runtime::default());
        let result = execution(&healthy(), labels, Some(&base));
        assert_eq!(result.env, ["PATH=/bin", "A=2"]);
        assert_eq!((result.cmd, result.stop_signal.as_str()), (None, "SIGINT"));
        assert_eq!(result.labels.keys().collect::<Vec<_>>(), ["k", "orchestrate.env.A"]);
    }
}
