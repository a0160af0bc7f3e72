#!/usr/bin/env bash
# Carries out the worked examples of docs/contributing.md in a copy of the tree.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  [ ! -e "$file" ] || printf '%s\0' "$file"
done | tar --create --null --files-from=- | tar --extract --directory="$copy"
GOFLAGS=-buildvcs=false python3 scripts/examples.py "$copy"
