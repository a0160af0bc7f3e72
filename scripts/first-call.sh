#!/usr/bin/env bash
# Measures a newcomer's way: `git clone`, `make try`, until InfiniSDK made a
# volume; in an empty folder, with nothing built before. What was downloaded
# once (modules, wheels) is as it is on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
try=
cleanup() {
  if [ -n "$try" ]; then kill "$try" 2>/dev/null || true; wait "$try" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
started=$(date +%s%N)
took() { echo "$((($(date +%s%N) - started) / 1000000)) ms"; }
git clone --quiet . "$work/infinisim"
cloned=$(took)
mkfifo "$work/printed"
GOCACHE=$work/go-build "$work/infinisim/scripts/try.sh" --listen 127.0.0.1:0 --control 127.0.0.1:0 >"$work/printed" 2>&1 &
try=$!
while read -r line; do
  if [[ $line == "InfiniSDK made"* ]]; then
    echo "ok   from git clone to the first call of InfiniSDK: $(took), of which cloning took $cloned"
    exit 0
  fi
  echo "     $line"
done <"$work/printed"
echo "InfiniSDK made nothing" >&2
exit 1
