#!/usr/bin/env bash
# Measures how long reading, unifying and checking recipes takes, for 100, 1,000 and 5,000 of them that use the
# definitions of images/lib, and how that grows. Figures, not tests. Usage: hack/bench-recipes.sh [RUNS]
set -o errexit -o nounset -o pipefail

readonly runs=${1:-5}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" build
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH
cargo build --quiet --release --locked --manifest-path "$root/Cargo.toml" >&2
readonly tool=${CARGO_TARGET_DIR:-$root/target}/release/orchestrate
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A project with the bases and definitions of this repository, and so many services in Go.
project() { # COUNT
  local index name
  mkdir -p "$work/$1"
  cp -r "$root/images" "$work/$1/"
  for index in $(seq "$1"); do
    name=service-$index
    mkdir -p "$work/$1/images/$name/src"
    cat > "$work/$1/images/$name/recipe.kdl" << RECIPE
title "Service $index"
description "One of many that differ in little"
license "Apache-2.0"
url "https://example.org/$name"
let version "1.$index.0"

source "$name" { local "src" }

is "go-program" name="$name" version="\${version}" to="/usr/bin/$name"
is "service" port=$((1024 + index))
is "data" name="app" path="/data"

image "$name" {
    from "static"
    file "/etc/$name.conf" "listen = :$((1024 + index))"
    env LISTEN ":$((1024 + index))" doc="address and port that are listened on"
    entrypoint "/usr/bin/$name" "--config" "/etc/$name.conf"
    healthcheck "/usr/bin/$name" "-health" interval="30s" timeout="5s" start-period="2s" retries=3
}
RECIPE
  done
}

# The median of several runs in milliseconds, and the most memory in kilobytes.
measure() { # COUNT
  local begin
  for _ in $(seq "$runs"); do
    begin=$(date +%s%N)
    /usr/bin/time -f %M -o "$work/memory" "$tool" --project "$work/$1" list --json > "$work/out"
    echo "$((($(date +%s%N) - begin) / 1000000)) $(cat "$work/memory")"
  done | sort -n | awk '{ time[NR] = $1; if ($2 > most) most = $2 } END { print time[int((NR + 1) / 2)], most }'
}

for count in 100 1000 5000; do
  project "$count"
  read -r time memory < <(measure "$count")
  printf '%-66s %8s  %s\n' "$count recipes, read and unified for two platforms" "$time ms" "$((memory / 1024)) MB"
  [ "$count" = 100 ] && first=$time
done
printf '%-66s %8s  %s\n' 'fifty times the recipes take' \
  "$(awk -v a="$time" -v b="$first" 'BEGIN { printf "%.1f×", a / b }')" 'the time; 50× would be linear'
