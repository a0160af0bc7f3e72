#!/usr/bin/env bash
# Fuzzes every fuzz target of the tree in turn, or those that are named, each
# for FUZZTIME, and prints for each how many executions there were and how many
# inputs were new. What fails is written to the package's testdata/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${FUZZTIME:-30s}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0 targets=0
while IFS=: read -r file line; do
  target=$(grep -oE 'Fuzz[A-Za-z0-9_]+' <<<"$line" | head -1)
  if [ $# -gt 0 ] && [[ " $* " != *" $target "* ]]; then
    continue
  fi
  package=./$(dirname "$file")
  targets=$((targets + 1))
  if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 2s "$package" >"$out" 2>&1 &&
    # An input that is still looked at when the time is over is no failure (go.dev/issue/75804).
    ! grep -q 'context deadline exceeded' "$out"; then
    cat "$out"
    echo "FAIL $target in $package"
    failed=$((failed + 1))
    continue
  fi
  # The last report, such as: fuzz: elapsed: 10m2s, execs: 208730 (347/sec), new interesting: 187 (total: 742)
  sed -nE 's|^fuzz: elapsed: ([^,]+), (execs: [0-9]+).* (new interesting: [0-9]+) \(total: ([0-9]+)\)|\1, \2, \3, inputs: \4|p
s|^fuzz: elapsed: ([^,]+), gathering baseline coverage: ([0-9]+)/([0-9]+).*|\1, execs: \2, of \3 seeds|p' "$out" |
    tail -1 | sed "s|^|$target in $package: |"
done < <(grep -rnE --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]+' sim cmd | sed -E 's/:[0-9]+:/:/' | sort)
echo "$targets fuzz targets, $failed failed"
[ "$failed" = 0 ] && [ "$targets" -gt 0 ]
