#!/usr/bin/env bash
# Runs the tests: hack/test.sh [arguments of the test runner, such as a part of a test's name]
# Installs what is missing on a fresh Debian machine. Tests that need a program which is not there fail and name it.
set -o errexit -o nounset -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" tests
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH

cd "$root"
# the same profile as hack/build.sh, so that dependencies are compiled once
exec cargo test --release --locked -- "$@"
