#!/usr/bin/env bash
# Kills builds at random moments, fills up the disk, runs eight processes in one store, and puts mirrors in trouble in front
# of good ones; exits with 1 unless every result is that of an undisturbed build and nothing has to be cleaned up by hand.
# Writes docs/faults.md. Needs root (for small file systems), the network (for the first downloads), and hours:
#   hack/faults.sh                         1000 kills, 100 sizes of a file system
#   hack/faults.sh --kills 50 --points 10  a reduced run
#   hack/faults.sh --seed 7                the same moments and sizes again; a run prints its seed
# A run that is stopped goes on when it is started again with the same seed.
# Stores and the copy of the project are in target/faults; downloads stay there for the next run.
set -o errexit -o nounset -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" tests
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH
cd "$root"
if [ "$(id -u)" -ne 0 ]; then
  echo "only root can mount the small file systems: run this as root" >&2
  exit 1
fi
target=${CARGO_TARGET_DIR:-$root/target}
cargo build --quiet --release --locked
rm -f "$target/faults/faults.md" # one of an earlier run would be taken for this one's
status=0
cargo test --quiet --locked --test campaign -- faults --program "$target/release/orchestrate" "$@" || status=$?
cp "$target/faults/faults.md" docs/faults.md # fails where nothing was run
exit "$status"
