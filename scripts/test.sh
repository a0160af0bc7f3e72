#!/usr/bin/env bash
# Everything: Go with the race detector, the image, the short forms of bench and
# crash, then the real clients. Prints what
# failed, the time each part took, and how many tests there were.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .cache
started=$SECONDS
go vet ./...
failed=0
go test -race -timeout 40m -v ./... >.cache/go-test.txt 2>&1 || failed=1
grep -E '^(ok|FAIL|\?)' .cache/go-test.txt
passed=$(grep -cE '^ *--- PASS' .cache/go-test.txt || true)
if [ "$failed" = 1 ]; then
  grep -vE '^ *(=== |--- PASS)' .cache/go-test.txt
  echo "$passed passed, $(grep -cE '^ *--- FAIL' .cache/go-test.txt || true) failed"
  exit 1
fi
echo "go: $passed tests, $((SECONDS - started)) s"
started=$SECONDS
go test ./sim/store -run TestMemo # where the race detector has it prove everything, it keeps nothing
go test ./sim/replication -run TestMonth -days 30 -timeout 30m -v | grep -E "days of|^ok"
echo "thirty days of replication: $((SECONDS - started)) s"
started=$SECONDS
scripts/browser.sh
echo "browser: $((SECONDS - started)) s"
started=$SECONDS
scripts/security.sh --short # its tests ran above
echo "gosec: $((SECONDS - started)) s"
started=$SECONDS
go build -o bin/infinisim ./cmd/infinisim
bin/infinisim run fixtures/scenarios/*.yaml
echo "scenarios: $((SECONDS - started)) s"
started=$SECONDS
# What it finds is printed and does not end the run: it looks elsewhere each time.
FUZZTIME=3s scripts/fuzz.sh || echo "fuzzing found something new: see above"
echo "fuzzing, its short form: $((SECONDS - started)) s"
started=$SECONDS
scripts/observe.sh
echo "queries of dashboard and alerts: $((SECONDS - started)) s"
started=$SECONDS
scripts/image.sh --twice
scripts/venv.sh .venv requirements.txt
scripts/image-test.sh .venv/bin/python
scripts/bench.sh -short
go run ./scripts/crash -kills 100 bin/infinisim
go run ./scripts/crash -migrations 10 bin/infinisim
go run ./scripts/crash -pairs 32 bin/infinisim
echo "image, bench, crash: $((SECONDS - started)) s"
started=$SECONDS
CHANGES=20 scripts/sync.sh
scripts/full-disk.sh
go run ./scripts/load -connections 200 -idle 1000 bin/infinisim
go run ./scripts/load -soak 20s -days 1 bin/infinisim
echo "order of syncs, full disk, load, soak: $((SECONDS - started)) s"
started=$SECONDS
scripts/site.sh
scripts/ci-snippets.sh
scripts/examples.sh
if git rev-parse --verify --quiet HEAD >/dev/null; then # both begin with a clone
  scripts/release.sh
  scripts/first-call.sh
else
  echo "release, first call: left out, since this is no clone of the repository"
fi
echo "site, snippets, release, first call, worked examples: $((SECONDS - started)) s"
started=$SECONDS
scripts/openapi.sh
echo "openapi: $((SECONDS - started)) s"
started=$SECONDS
scripts/clients.sh | tee .cache/clients.txt
steps=$(grep -cE '^(ok|pass) ' .cache/clients.txt)
echo "clients: $steps steps, $((SECONDS - started)) s"
echo "$((passed + steps)) passed, 0 failed"
