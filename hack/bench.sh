#!/usr/bin/env bash
# Measures what the README promises about speed and prints each figure with its ratio to something that others wrote.
# Figures, not tests: run it on a quiet machine. Usage: hack/bench.sh [RUNS]; needs the network once, and mmdebstrap.
set -o errexit -o nounset -o pipefail

readonly runs=${1:-5}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" tests
cargo build --quiet --release --locked --manifest-path "$root/Cargo.toml" >&2
readonly tool=${CARGO_TARGET_DIR:-$root/target}/release/orchestrate
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# Prints the median of the runs of a command, in milliseconds; the command is preceded by another that is not counted.
median() { # PREPARE COMMAND
  local times=() begin end run
  for run in $(seq "$runs"); do
    eval "$1" > /dev/null 2>&1
    begin=$(date +%s%N)
    eval "$2" > /dev/null 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
    end=$(date +%s%N)
    times+=($(((end - begin) / 1000000)))
  done
  printf '%s\n' "${times[@]}" | sort -n | sed -n "$(((runs + 1) / 2))p"
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
row() { printf '%-58s %9s  %s\n' "$1" "$2" "${3:-}"; }

# A project with a lock of today: the committed one may name versions that mirrors no longer have.
cp -a "$root/images" "$root/lock" "$work/"
"$tool" --quiet --project "$work" --store "$work/full" refresh > /dev/null
"$tool" --quiet --project "$work" --store "$work/full" build debian --platform linux/amd64 --output "oci:$work/out" > /dev/null
debs=$(sed -n '/image="debian" platform="linux\/amd64"/,/^}/s/.*sha256="\([0-9a-f]*\)".*/\1/p' "$work/lock/debian.kdl")
mkdir -p "$work/repo"
for hash in $debs; do cp "$(find "$work/full/blobs" -name "$hash")" "$work/repo/$hash.deb"; done
(cd "$work/repo" && dpkg-scanpackages --multiversion . > Packages 2> /dev/null)

build="$tool --quiet --project $work --store $work/store build debian --platform linux/amd64 --output oci:$work/out --offline"
only_debs="chmod -R u+w $work/store 2> /dev/null; rm -rf $work/store $work/out; mkdir $work/store; cp -al $work/full/blobs $work/store/"
peer="mmdebstrap --quiet --variant=minbase trixie $work/peer.tar 'deb [trusted=yes] file://$work/repo ./'"

cold=$(median "$only_debs" "$build")
theirs=$(median "rm -f $work/peer.tar" "$peer")
unpack=$(median true "ls $work/repo/*.deb | xargs -P$(nproc) -n1 dpkg-deb --fsys-tarfile")
eval "$only_debs"; eval "$build" > /dev/null
layer=$(find "$work/out/blobs" -type f -size +1M -printf '%s %p\n' | sort -n | tail -n1 | cut -d' ' -f2)
gzip -dc "$layer" > "$work/layer.tar"
hash=$(median true "openssl dgst -sha256 $work/layer.tar $layer")
second=$(median "sed -i 's|command \"/bin/bash\"|command \"/bin/sh\"|; t; s|command \"/bin/sh\"|command \"/bin/bash\"|' $work/images/debian/recipe.kdl; rm -rf $work/out; $tool cache --store $work/store forget-images" "$build" || true)
memory=$( { /usr/bin/time -f %M sh -c "$only_debs; exec $build" > /dev/null; } 2>&1 | tail -n1)

row "what" "median" "ratio"
row "debian from .debs in the store" "$cold ms" ""
row "  mmdebstrap --variant=minbase from the same files" "$theirs ms" "mmdebstrap / ours: $(ratio "$theirs" "$cold")"
row "  dpkg-deb --fsys-tarfile of all, on all cores (floor)" "$unpack ms" "ours / floor: $(ratio "$cold" "$unpack")"
row "a second image of the same packages" "$second ms" ""
row "  hashing its bytes, packed and unpacked" "$hash ms" "ours / hashing: $(ratio "$second" "$hash")"
row "peak memory of the first" "$((memory / 1024)) MB" ""
