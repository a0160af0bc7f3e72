#!/usr/bin/env bash
# Measures speed and memory against floors, with another project's fake beside
# them, in one run. Arguments are those of scripts/bench.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/venv.sh .venv-moto requirements-moto.txt
exec go run ./scripts/bench -moto .venv-moto/bin/python "$@"
