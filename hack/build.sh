#!/usr/bin/env bash
# Builds images: hack/build.sh [IMAGE…] [--platform linux/amd64,linux/arm64] [any other option of `orchestrate build`]
# Installs what is missing on a fresh Debian machine, builds the tool, and runs it.
set -o errexit -o nounset -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" build
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH

cargo build --quiet --release --locked --manifest-path "$root/Cargo.toml" >&2
exec "${CARGO_TARGET_DIR:-$root/target}/release/orchestrate" --project "$root" build "$@"
