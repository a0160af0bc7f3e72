#!/usr/bin/env bash
# The tests of security, and what gosec and staticcheck find; without --short
# also what govulncheck knows of the modules, where its database can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 # brings gosec
vuln=golang.org/x/vuln/cmd/govulncheck@v1.9.0
mkdir -p .cache

if [ "${1:-}" != --short ]; then
  go test -count=1 ./cmd/infinisim -run 'TestTLS|TestPorts|TestSecrets|TestInjection|TestServe_logHasNoSecrets'
  go test -count=1 ./sim/control -run 'TestGuard|TestToken|TestNames|TestFault_ids'
  go test -count=1 ./sim/model -run 'TestSeal|TestCertificates|TestKMS'
  go test -count=1 ./sim/api -run 'TestRoles_everyRoute|TestSession'
  go test -count=1 ./sim/journal ./sim/state ./sim/ui
fi

go run "$lint" run --enable-only gosec --max-same-issues 0 --max-issues-per-linter 0 --allow-parallel-runners ./... 2>.cache/gosec.txt || {
  cat .cache/gosec.txt
  exit 1
}
echo "ok   gosec"
[ "${1:-}" = --short ] && exit 0

go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
echo "ok   staticcheck"
if go run "$vuln" ./... >.cache/vuln.txt 2>&1; then
  echo "ok   govulncheck"
elif grep -q 'fetching vulnerabilities' .cache/vuln.txt; then
  echo "left out: govulncheck, whose database cannot be reached from here"
else
  cat .cache/vuln.txt
  exit 1
fi
