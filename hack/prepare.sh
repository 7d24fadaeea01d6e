#!/usr/bin/env bash
# Installs what building (and with "tests", testing) needs on a Debian machine, when it is missing.
# Usage: hack/prepare.sh build|tests
set -o errexit -o nounset -o pipefail

readonly wanted=${1:?usage: hack/prepare.sh build|tests}

say() { printf '%s\n' "$*" >&2; }

# Installs the packages of the list whose command is not there. Arguments: command:package …
install_missing() {
  local missing=() pair
  for pair in "$@"; do
    command -v "${pair%%:*}" > /dev/null || missing+=("${pair#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get > /dev/null; then
    say "these are missing, and this is no Debian machine: ${missing[*]}"
    exit 1
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || { say "missing: ${missing[*]}; become root and run: apt-get install ${missing[*]}"; exit 1; }
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >&2
}

install_missing cc:gcc c++:g++ make:make git:git curl:curl perl:perl

if ! command -v cargo > /dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
  PATH=$HOME/.cargo/bin:$PATH
fi
if ! command -v cargo > /dev/null; then
  install_missing rustup:rustup
  rustup toolchain install stable --profile minimal >&2
fi

if [ "$wanted" = tests ]; then
  for tool in fmt clippy; do
    cargo "$tool" --version > /dev/null 2>&1 || rustup component add "${tool/fmt/rustfmt}" >&2
  done
  install_missing shellcheck:shellcheck zsh:zsh fish:fish skopeo:skopeo umoci:umoci podman:podman runc:runc mmdebstrap:mmdebstrap gpg:gnupg gpgv:gpgv \
    qemu-aarch64-static:qemu-user-static docker-registry:docker-registry bwrap:bubblewrap newuidmap:uidmap \
    patch:patch xz:xz-utils zstd:zstd dpkg-deb:dpkg openssl:openssl python3:python3 getcap:libcap2-bin \
    setpriv:util-linux fakeroot:fakeroot libdeflate-gzip:libdeflate-tools /usr/bin/time:time useradd:passwd gcc:gcc ldconfig:libc-bin \
    dpkg-scanpackages:dpkg-dev ucf:ucf systemctl:systemd
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || install_missing no-such-command:debian-archive-keyring
fi
