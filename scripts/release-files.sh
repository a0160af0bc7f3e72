#!/usr/bin/env bash
# Writes what archives and packages have beside the program, completions and
# manual pages, into .cache/release: release-files.sh [PROGRAM]
set -eu
cd "$(dirname "$0")/.."
program=${1:-}
if [ -z "$program" ]; then
  program=bin/infinisim
  go build -o $program ./cmd/infinisim
fi
rm -rf .cache/release
mkdir -p .cache/release/completions .cache/release/man
"$program" completion bash >.cache/release/completions/infinisim.bash
"$program" completion zsh >.cache/release/completions/infinisim.zsh
"$program" completion fish >.cache/release/completions/infinisim.fish
"$program" completion powershell >.cache/release/completions/infinisim.ps1
"$program" man .cache/release/man
