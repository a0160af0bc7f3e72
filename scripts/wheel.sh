#!/usr/bin/env bash
# Builds the Python wheel with the program inside into dist/, for this platform
# or the one that GOOS and GOARCH name: wheel.sh [PYTHON], a Python that has
# hatchling; without one, pip fetches it.
set -eu
cd "$(dirname "$0")/.."
python=${1:-python3}
isolation=
if "$python" -c 'import hatchling' 2>/dev/null; then isolation=--no-build-isolation; fi
unset INFINISIM_BIN # the program of this checkout, and no other
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps $isolation --wheel-dir dist ./python
ls -l dist/infinisim-*.whl
