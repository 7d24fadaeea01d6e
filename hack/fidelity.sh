#!/usr/bin/env bash
# Compares images of many sets of packages with what mmdebstrap makes of the same, and runs them. Takes about a minute a
# set, root, the network, mmdebstrap and podman. Usage: hack/fidelity.sh [SET…]
# What each set came to is kept in target/fidelity; when all have been run, docs/fidelity.md is written anew.
set -o errexit -o nounset -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" tests
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH
cd "$root"
rm -f "${CARGO_TARGET_DIR:-target}/fidelity/fidelity.md" # one of an earlier run would be taken for this one's
status=0
cargo test --quiet --locked --test campaign -- "$@" || status=$?
if [ $# -eq 0 ]; then
  cp "${CARGO_TARGET_DIR:-target}/fidelity/fidelity.md" docs/fidelity.md # fails where nothing was run
fi
exit "$status"
