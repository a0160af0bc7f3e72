#!/usr/bin/env bash
# Everything: Go with the race detector, then the real clients.
set -eu
cd "$(dirname "$0")/.."
started=$SECONDS
go vet ./...
go test -race ./...
echo "go: $((SECONDS - started)) s"
started=$SECONDS
go build -o bin/infinisim ./cmd/infinisim
scripts/clients.sh
echo "clients: $((SECONDS - started)) s"
