#!/usr/bin/env bash
# Has Prometheus' own engine evaluate every query of the dashboard and the
# rules on scrapes of a demo.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x bin/infinisim ] || go build -o bin/infinisim ./cmd/infinisim
mkdir -p .cache
(cd scripts/promcheck && go vet . && go build -o ../../.cache/promcheck .)
.cache/promcheck bin/infinisim packaging/grafana/infinisim.json packaging/prometheus/rules.yml
