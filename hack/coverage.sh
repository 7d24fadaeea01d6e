#!/usr/bin/env bash
# Counts for how many packages that people install an image can be configured without executing anything, and lists what
# stands in the way of the others. Figures, not tests. Needs the network and some 30 GB in target/coverage.
# Usage: hack/coverage.sh [FILE [SUITE]]
#   FILE   a request a line: a package, or several   [default: tests/coverage/requests.txt]
#   SUITE  a suite of Debian                         [default: trixie]
# Without arguments, docs/coverage.md is written anew.
set -o errexit -o nounset -o pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/hack/prepare.sh" tests
[ -d "$HOME/.cargo/bin" ] && PATH=$HOME/.cargo/bin:$PATH
cd "$root"
cargo build --quiet --release --locked
readonly requests=${1:-tests/coverage/requests.txt}
readonly suite=${2:-trixie}
readonly target=${CARGO_TARGET_DIR:-$root/target}
readonly work=$target/coverage
readonly program=$target/release/orchestrate
readonly keys=/usr/share/keyrings/debian-archive-keyring.gpg # of all suites

# A project with an image for each request.
rm -rf "$work/project" "$work/said"
mkdir -p "$work/project/images" "$work/said"
cp -r images/keys "$work/project/images/"
for key in debian-archive debian-security; do cp "$keys" "$work/project/images/keys/$key.asc"; done
{
  echo 'platforms "linux/amd64"'
  grep -v -e '^include ' -e '^platforms ' images/project.kdl | sed "s/\"trixie/\"$suite/g"
} > "$work/project/images/project.kdl"
: > "$work/project/environment.kdl"
orchestrate() {
  "$program" --project "$work/project" --store "$work/store" --environment "$work/project/environment.kdl" --quiet "$@"
}
names=()
while read -r -a packages; do
  [ ${#packages[@]} -gt 0 ] || continue
  name=r-$(printf '%s' "${packages[0]}" | tr -c 'a-z0-9' '-')
  mkdir "$work/project/images/$name"
  cat > "$work/project/images/$name/recipe.kdl" << RECIPE
title "$name"
image "$name" {
    from "scratch"
    distribution "debian" suite="$suite"
    package-set "required"
    packages "apt"$(printf ' "%s"' "${packages[@]}")
    user "root" reason="measured"
    command "/bin/sh"
    healthcheck "none" reason="measured"
}
RECIPE
  names+=("$name")
done < "$requests"

# All at once; where the suite does not have all packages, one after the other.
if ! orchestrate refresh > /dev/null 2> "$work/refresh.err"; then
  for name in "${names[@]}"; do
    if ! orchestrate refresh "$name" > /dev/null 2> "$work/said/$name.err"; then
      rm -r "$work/project/images/$name"
      echo "not in $suite: ${name#r-}" >&2
    fi
  done
fi
orchestrate fetch
for folder in "$work/project/images/"r-*; do
  name=${folder##*/}
  # 1: there are scripts that nobody vouches for
  orchestrate audit --scripts --json "$name" > "$work/said/$name.json" 2> "$work/said/$name.err" || [ $? -eq 1 ]
done

python3 - "$work/said" "$suite" > "$work/coverage.md" << 'PYTHON'
import collections, json, pathlib, sys

said, suite = pathlib.Path(sys.argv[1]), sys.argv[2]
requests, configured, interpreted = 0, 0, 0
stops = collections.defaultdict(set)
for file in sorted(said.glob("*.json")):
    request = file.stem.removeprefix("r-")
    text = file.read_text()
    requests += 1
    if not text.strip():
        stops["it cannot be looked at"].add(request)
        continue
    scripts = [script for image in json.loads(text) for script in image["scripts"]]
    refused = [script for script in scripts if script["covered"] == "nothing"]
    configured += not refused
    interpreted += any(script["covered"] == "interpreted" for script in scripts) and not refused
    for script in refused:
        reason = script["lines"][-1].removeprefix("# ")
        stops[f"{script['package']}: {reason}"].add(request)
cell = lambda text: " ".join(text.split()).replace("|", "\\|")
share = 100 * configured / max(requests, 1)
print("# Which packages are configured without executing anything\n")
print(f"Written by `hack/coverage.sh` for Debian {suite}, linux/amd64.")
print(f"Of {requests} requests in `tests/coverage/requests.txt`, {configured} ({share:.0f} %) are configured by [the model](model.md);")
print(f"in {interpreted} of these, scripts are interpreted.\n")
print("What stands in the way of the others:\n")
print("| requests | where it stops | such as |\n|---|---|---|")
for reason, names in sorted(stops.items(), key=lambda item: (-len(item[1]), item[0])):
    shown = ", ".join(sorted(names)[:3])
    print(f"| {len(names)} | {cell(reason)} | {shown} |")
print(f"{configured} of {requests} requests ({share:.1f} %)", file=sys.stderr)
PYTHON
if [ $# -eq 0 ]; then
  cp "$work/coverage.md" docs/coverage.md
else
  cat "$work/coverage.md"
fi
