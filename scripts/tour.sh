#!/usr/bin/env bash
# Runs every script of the tour, with the Python that is told: tour.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."
export INFINISIM_BIN=$PWD/bin/infinisim PYTHONPATH=python/src
for script in scripts/tour/*.py; do
  "$1" "$script" >/dev/null
  echo "ok   ${script##*/}"
done
