#!/usr/bin/env bash
# The fast loop, over the packages that differ from HEAD (all of them where
# none does; those that differ with the race detector), and the rules of the tree.
set -eu
cd "$(dirname "$0")/.."
unformatted=$(go run mvdan.cc/gofumpt@v0.12.0 -modpath infinisim -l cmd sim ./*.go)
unformatted+=$(go run golang.org/x/tools/cmd/goimports@v0.52.0 -local infinisim -l cmd sim ./*.go)
if [ -n "$unformatted" ]; then
  echo "not formatted:" "$unformatted"
  exit 1
fi
go vet ./...
go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
changed=$( (git diff --name-only HEAD; git ls-files --others --exclude-standard) | grep '\.go$' | xargs -r -n1 dirname | sort -u | sed 's|^|./|')
# shellcheck disable=SC2086
go test ${changed:+-race} ${changed:-./...}
go test -run TestTidy .
