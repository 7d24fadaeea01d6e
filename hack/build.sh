#!/usr/bin/env bash
# Builds images: hack/build.sh [IMAGE…] [--platform linux/amd64,linux/arm64] [any other option of `orchestrate build`]
# Installs what is missing on a fresh Debian machine, builds the tool, and runs it.
set -o errexit -o nounset -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" build
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH

tool=${CARGO_TARGET_DIR:-$root/target}/release/orchestrate
[ -x "$tool" ] || echo "compiling orchestrate, which takes some minutes the first time" >&2
quiet=(--quiet)
[ -t 2 ] && quiet=() # cargo's own progress bar
cargo build "${quiet[@]}" --release --locked --manifest-path "$root/Cargo.toml" >&2
exec "$tool" --project "$root" build "$@"
