//! Whether this machine lets this user make a sandbox, and if not, why, and what to do about it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{Console, Ending, Network, OwnershipMode, Privilege, ProcessLimits, Root, Sandbox, SandboxError, Spec};
use crate::model::ImagePath;

/// What keeps a user from making a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// `kernel.unprivileged_userns_clone` is 0 (kernels of some distributions).
    SwitchedOff,
    /// `user.max_user_namespaces`, or that of another kind, is used up or 0.
    NoneLeft {
        /// The setting.
        setting: &'static str,
    },
    /// `AppArmor` allows user namespaces to programs with a profile only (Ubuntu from 23.10).
    AppArmor,
    /// The program runs in a container whose seccomp filter refuses new namespaces.
    Container,
    /// The program runs in a container that hides parts of `/proc`, so that the kernel allows no new one.
    HiddenProc,
    /// The store is on a file system that no overlay can write to.
    FileSystem {
        /// A folder on it.
        folder: PathBuf,
    },
    /// The kernel lacks something.
    OldKernel {
        /// What could not be done.
        doing: String,
    },
}

impl Unavailable {
    /// The reason behind an error on entering namespaces or mounting, for a sandbox that writes to `scratch`; none when
    /// the error is another one.
    pub(super) fn explain(scratch: &Path, doing: &str, errno: Option<i32>) -> Option<Self> {
        let errno = rustix::io::Errno::from_raw_os_error(errno?);
        let namespaces = doing.contains("namespace");
        match errno {
            rustix::io::Errno::NOSPC if namespaces => Some(Self::NoneLeft { setting: exhausted() }),
            rustix::io::Errno::PERM | rustix::io::Errno::ACCESS
                if is("kernel/apparmor_restrict_unprivileged_userns", "1")
                    && (namespaces || doing.contains("mount")) =>
            {
                Some(Self::AppArmor)
            }
            rustix::io::Errno::PERM | rustix::io::Errno::ACCESS
                if namespaces && is("kernel/unprivileged_userns_clone", "0") =>
            {
                Some(Self::SwitchedOff)
            }
            rustix::io::Errno::PERM if namespaces => Some(Self::Container),
            rustix::io::Errno::PERM if doing == "mount a new proc" => Some(Self::HiddenProc),
            rustix::io::Errno::NOSYS | rustix::io::Errno::NODEV => Some(Self::OldKernel { doing: doing.to_owned() }),
            rustix::io::Errno::INVAL if doing.contains("overlay") && cannot_be_upper(scratch) => {
                Some(Self::FileSystem { folder: scratch.to_owned() })
            }
            rustix::io::Errno::INVAL if namespaces || doing.contains("overlay") => {
                Some(Self::OldKernel { doing: doing.to_owned() })
            }
            _ => None,
        }
    }

    /// What to do.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::SwitchedOff => "allow it with `sysctl kernel.unprivileged_userns_clone=1`, or run as root".to_owned(),
            Self::NoneLeft { setting } => format!("raise it, for example with `sysctl {setting}=15000`"),
            Self::AppArmor => "allow this program: write a profile with `userns,` for its path into /etc/apparmor.d and load it with `apparmor_parser`, \
                or allow all with `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
                .to_owned(),
            Self::Container => "start the container with `--security-opt seccomp=unconfined` (and `--security-opt apparmor=unconfined` where AppArmor is used)".to_owned(),
            Self::HiddenProc => "start the container with `--security-opt systempaths=unconfined` (docker) or `--security-opt unmask=/proc/*` (podman)".to_owned(),
            Self::FileSystem { .. } => "put the store elsewhere with `cache` in the environment file or $XDG_CACHE_HOME: on ext4, xfs, btrfs or \
                tmpfs; in a container, on a volume"
                .to_owned(),
            Self::OldKernel { .. } => "use Linux 5.12 or newer, with user namespaces and overlayfs".to_owned(),
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SwitchedOff => write!(
                out,
                "user namespaces are switched off for ordinary users (kernel.unprivileged_userns_clone is 0)"
            ),
            Self::NoneLeft { setting } => write!(out, "no more namespaces are allowed ({setting})"),
            Self::AppArmor => write!(
                out,
                "AppArmor allows user namespaces only to programs that have a profile (kernel.apparmor_restrict_unprivileged_userns is 1)"
            ),
            Self::Container => {
                write!(out, "new namespaces are refused, probably by the filter of the container that this runs in")
            }
            Self::HiddenProc => {
                write!(out, "the container that this runs in hides parts of /proc, so that no new /proc can be mounted")
            }
            Self::FileSystem { folder } => {
                write!(out, "no overlay can write to the file system that holds {}", folder.display())
            }
            Self::OldKernel { doing } => write!(out, "the kernel does not know how to {doing}"),
        }
    }
}

fn setting(name: &str) -> Option<String> {
    fs_err::read_to_string(Path::new("/proc/sys").join(name)).ok().map(|text| text.trim().to_owned())
}

fn is(name: &str, value: &str) -> bool {
    setting(name).as_deref() == Some(value)
}

/// Whether a folder is on a file system that cannot hold what an overlay writes: on an overlay, like the root of most
/// containers, or on the network.
fn cannot_be_upper(folder: &Path) -> bool {
    const OVERLAY: i128 = 0x794c_7630; // magic numbers of linux/magic.h
    const NFS: i128 = 0x6969;
    const FUSE: i128 = 0x6573_5546;
    const NINE: i128 = 0x0102_1997;
    rustix::fs::statfs(folder).is_ok_and(|facts| [OVERLAY, NFS, FUSE, NINE].contains(&i128::from(facts.f_type)))
}

/// The first kind of namespace of which none is allowed.
fn exhausted() -> &'static str {
    const SETTINGS: &[(&str, &str)] = &[
        ("user/max_user_namespaces", "user.max_user_namespaces"),
        ("user/max_mnt_namespaces", "user.max_mnt_namespaces"),
        ("user/max_pid_namespaces", "user.max_pid_namespaces"),
        ("user/max_net_namespaces", "user.max_net_namespaces"),
        ("user/max_ipc_namespaces", "user.max_ipc_namespaces"),
        ("user/max_uts_namespaces", "user.max_uts_namespaces"),
        ("user/max_cgroup_namespaces", "user.max_cgroup_namespaces"),
    ];
    SETTINGS.iter().find(|(file, _)| is(file, "0")).map_or("user.max_user_namespaces", |&(_, name)| name)
}

/// Makes a sandbox with nothing in it, in the folder `scratch`, and says what is in the way.
///
/// # Errors
/// When no sandbox can be made.
pub fn probe(sandbox: &Sandbox, scratch: &Path) -> Result<(), SandboxError> {
    let spec = Spec {
        root: Root::Layers(Vec::new()),
        ownership: OwnershipMode::Ignored,
        scratch: scratch.to_owned(),
        mounts: Vec::new(),
        files: Vec::new(),
        argv: vec!["/nothing".to_owned()],
        env: BTreeMap::new(),
        cwd: ImagePath::root(),
        emulator: None,
        network: Network::None,
        privilege: Privilege::Build,
        limits: ProcessLimits::default(),
        console: Console::Log,
    };
    match sandbox.run(&spec, None, &mut |_| ()) {
        // all was set up, and only then was there no program to run
        Err(SandboxError::Setup { doing, .. }) if doing == "start /nothing" => Ok(()),
        Ok(Ending::Exited(_) | Ending::Killed(_) | Ending::TimedOut | Ending::Exceeded(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_with_a_way_out() {
        let eperm = Some(rustix::io::Errno::PERM.raw_os_error());
        let reason = Unavailable::explain(Path::new("/"), "mount a new proc", eperm).expect("a reason");
        assert_eq!(reason, Unavailable::HiddenProc);
        assert!(reason.help().contains("systempaths=unconfined"));
        let none_left =
            Unavailable::explain(Path::new("/"), "enter new namespaces", Some(rustix::io::Errno::NOSPC.raw_os_error()));
        assert!(matches!(none_left, Some(Unavailable::NoneLeft { .. })));
        assert_eq!(Unavailable::explain(Path::new("/"), "write /etc/x", eperm), None);
    }
}
