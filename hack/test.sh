#!/usr/bin/env bash
# Runs the tests: hack/test.sh [arguments of the test runner, such as a part of a test's name]
# Installs what is missing on a fresh Debian machine. Tests that need a program which is not there fail and name it.
set -o errexit -o nounset -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" tests
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH

cd "$root"
# the development profile: dependencies optimised, our own code quick to compile
exec cargo test --locked -- "$@"
