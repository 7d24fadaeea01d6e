#!/usr/bin/env bash
# Runs all tests: hack/test.sh [arguments of the test runner, such as a part of a test's name]
# `cargo test` alone runs the fast ones. The others need root, the network, and programs that this script installs on a fresh
# Debian machine; a test whose program is not there fails and names it.
set -o errexit -o nounset -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" tests
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH

cd "$root"
free=$(df --output=avail -BG . | tail -1 | tr -dc '0-9')
if [ $# -eq 0 ] && [ "$free" -lt 35 ]; then
  echo "the tests take about 35 GB of disk, and $free GB are free here" >&2
fi
# the development profile: dependencies optimised, our own code quick to compile
cargo test --locked -- "$@"
exec cargo test --locked --test system -- "$@"
