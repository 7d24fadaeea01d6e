#!/usr/bin/env bash
# Measures what the README promises about speed and prints each figure with its ratio to something that others wrote.
# Figures, not tests: run it on a quiet machine. Usage: hack/bench.sh [RUNS]
# Needs the network (it refreshes into a lock of its own) and mmdebstrap; builds every image once, which takes a while:
# BENCH_STORE names a store that is kept for the next time.
set -o errexit -o nounset -o pipefail

readonly runs=${1:-5}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" tests
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH
cargo build --quiet --release --locked --manifest-path "$root/Cargo.toml" >&2
readonly tool=${CARGO_TARGET_DIR:-$root/target}/release/orchestrate
work=$(mktemp -d)
remove() { chmod -R u+w "$1" 2> /dev/null || true; rm -rf "$1"; }
trap 'remove "$work"' EXIT
readonly full=${BENCH_STORE:-$work/full}

# The wall times of two commands in milliseconds, taken in turn so that a machine that slows down slows both; before
# each run its preparation, which is not counted. Prints the median of each and the median of the pairs' ratios.
pairs() { # PREPARE_A COMMAND_A PREPARE_B COMMAND_B
  for _ in $(seq "$runs"); do
    printf '%s %s\n' "$(timed "$1" "$2")" "$(timed "$3" "$4")"
  done | awk '
    { a[NR] = $1; b[NR] = $2; r[NR] = $2 > 0 ? $1 / $2 : 0 }
    function median(list,   i, j, t) {
      for (i = 1; i <= NR; i++) for (j = i + 1; j <= NR; j++) if (list[j] < list[i]) { t = list[i]; list[i] = list[j]; list[j] = t }
      return list[int((NR + 1) / 2)]
    }
    END { printf "%.0f %.0f %.2f %.2f %.2f\n", median(a), median(b), median(r), r[1], r[NR] }'
}
timed() { # PREPARE COMMAND
  local begin end
  eval "$1" > /dev/null 2>&1 || true
  sync
  begin=$(date +%s%N)
  eval "$2" > "$work/out" 2> "$work/said" || { cat "$work/out" "$work/said" >&2; exit 1; }
  end=$(date +%s%N)
  echo $(((end - begin) / 1000000))
}
inverse() { awk -v r="$1" 'BEGIN { printf "%.2f", 1 / r }'; }
row() { printf '%-66s %8s  %s\n' "$1" "$2" "${3:-}"; }

# A project with a lock of today (the committed one may name versions that mirrors no longer have), and a second image of
# the same packages.
cp -r "$root/images" "$root/lock" "$work/"
mkdir "$work/images/second"
second() { # TEXT of a file, so that no two runs make the same layer
  cat > "$work/images/second/recipe.kdl" << RECIPE
title "Second"
license "GPL-2.0-or-later"
image "second" {
    from "scratch"
    distribution "debian" suite="trixie"
    package-set "required"
    packages "apt"
    file "/etc/run" "$1"
    user "root" reason="measured"
    healthcheck "none" reason="measured"
}
RECIPE
}
second 0
everything="$tool --quiet --project $work --store $full"
$everything refresh > /dev/null
$everything build --output "oci:$work/all" > /dev/null

# what `debian` is made of, and a repository of the same files for the peer
$everything build debian --platform linux/amd64 --output "oci:$work/debian" > /dev/null
debs=$(sed -n '/image="debian" platform="linux\/amd64"/,/^}/s/.*sha256="\([0-9a-f]*\)".*/\1/p' "$work/lock/debian.kdl")
mkdir "$work/repo"
for hash in $debs; do cp "$(find "$full/blobs" -name "$hash")" "$work/repo/$hash.deb"; done
(
  cd "$work/repo" && dpkg-scanpackages --multiversion . > Packages 2> /dev/null
  # mmdebstrap looks for the essential packages of the suite that it is told, by the name in this file
  printf 'Suite: trixie\nCodename: trixie\nSHA256:\n %s %s Packages\n' "$(sha256sum < Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" > Release
)
mkdir -p "$work/debs"
for hash in $debs; do
  path=$(cd "$full" && find blobs -name "$hash")
  mkdir -p "$work/debs/$(dirname "$path")" && cp -p "$full/$path" "$work/debs/$path"
done

build="$tool --quiet --project $work --store $work/store build debian --platform linux/amd64 --output oci:$work/one --offline"
only_debs="remove $work/store; remove $work/one; mkdir $work/store; cp -p $full/version $work/store/; cp -al $work/debs/blobs $work/store/"
# both work on the same file system, that of TMPDIR
peer="TMPDIR=$work mmdebstrap --quiet --variant=minbase trixie $work/peer.tar 'deb [trusted=yes] copy://$work/repo ./'"
# what every assembler has to do with these packages: verify, decode, hash, compress, hash again; by the fastest tools, on all cores
# shellcheck disable=SC2016 # xargs' shell expands it
one='openssl dgst -sha256 "$0" && dpkg-deb --fsys-tarfile "$0" > "$0.tar" && openssl dgst -sha256 "$0.tar" && libdeflate-gzip -6 -c "$0.tar" > "$0.gz" && openssl dgst -sha256 "$0.gz"'
floor="ls $work/repo/*.deb | xargs -P$(nproc) -n1 sh -c '$one'"
fresh_floor="rm -f $work/repo/*.tar $work/repo/*.gz"

read -r ours theirs faster low high < <(pairs "$only_debs" "$build" "rm -f $work/peer.tar" "$peer")
entries=$(tar -tf "$work/peer.tar" | wc -l)
[ "$entries" -gt 5000 ] || { echo "mmdebstrap made a system of $entries entries: nothing to compare with" >&2; exit 1; }
read -r _ limit over _ _ < <(pairs "$only_debs" "$build" "$fresh_floor" "$floor")
# shellcheck disable=SC2086 # a command with its arguments
memory=$( (eval "$only_debs"; exec /usr/bin/time -f %M $build > /dev/null) 2>&1 | tail -n1)

# the second image: nothing of it is known but its packages
eval "$only_debs"; $build > /dev/null
layer=$(find "$work/one/blobs" -type f -printf '%s %p\n' | sort -n | tail -n1 | cut -d' ' -f2)
gzip -dc "$layer" > "$work/layer.tar"
other="$tool --quiet --project $work --store $work/store build second --platform linux/amd64 --output oci:$work/two --offline"
read -r two hash times _ _ < <(pairs "second \$RANDOM\$RANDOM; remove $work/two" "$other" true "openssl dgst -sha256 $work/layer.tar $layer")
second 0

# a step in a root that is made anew of packages that were unpacked before, and in one that is there; linking its files by cp
mkdir "$work/images/tiny"
tiny() { # TEXT that the step writes, so that no two runs are the same step
  cat > "$work/images/tiny/recipe.kdl" << RECIPE
title "Tiny"
license "Apache-2.0"
stage "tiny" from="builder-go" { run "echo $1 > \$OUT/tiny"; }
image "tiny" { from "scratch"; copy "/tiny" from="tiny" to="/tiny"; user "10001"; entrypoint "/tiny"; healthcheck "none" reason="measured"; waive "entrypoint" reason="measured"; }
RECIPE
}
step="$everything build tiny --platform linux/amd64 --offline --output oci:$work/tiny"
tiny 0; $step > /dev/null
tree=$(find "$full/trees/root" -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -n | tail -n1 | cut -d' ' -f2)/tree
cp -al "$tree" "$work/linked"
files=$(find "$work/linked" -type f | wc -l)
read -r link _ _ _ _ < <(pairs "remove $work/linked-2" "cp -al $work/linked $work/linked-2" true true)
read -r rooted stepped _ _ _ < <(pairs "tiny \$RANDOM\$RANDOM; remove $full/trees/root" "$step" "tiny \$RANDOM\$RANDOM" "$step")
remove "$work/images/tiny"
# one line of a program in Go is changed
read -r edited _ _ _ _ < <(pairs "echo \"// \$RANDOM\" >> $work/images/hello/src/main.go" "$everything build hello --offline --output oci:$work/hello" true true)

read -r noop _ _ _ _ < <(pairs true "$everything build --offline --output oci:$work/all" true true)

row "what ($runs runs, median)" "" ""
row "debian from .debs in the store" "$ours ms"
row "  mmdebstrap --variant=minbase from the same files" "$theirs ms" "theirs / ours $(inverse "$faster") (first pair $(inverse "$low"), last $(inverse "$high"))"
row "  verify, decode, hash, compress the same files (the limit)" "$limit ms" "ours / limit $over"
row "  peak memory" "$((memory / 1024)) MB"
row "a second image of the same packages" "$two ms"
row "  hashing its bytes, packed and unpacked" "$hash ms" "ours / hashing $times"
row "a step in a new root of $files files" "$rooted ms"
row "  the same step in a root that is there" "$stepped ms" "the root: $((rooted - stepped)) ms"
row "  linking the files of the root by cp -al" "$link ms"
row "hello for both platforms, after an edit" "$edited ms"
row "a build of everything, with nothing to do" "$noop ms"

"$root/hack/bench-recipes.sh" "$runs"
