#!/usr/bin/env bash
# Plays every command and example of the README and of docs/: see docs.py.
#   docs.sh [PAGE ...]
set -eu
cd "$(dirname "$0")/.."
scripts/venv.sh .venv requirements.txt
isolated=(unshare --net)
[ "$(id -u)" = 0 ] || isolated=(unshare --map-root-user --net)
"${isolated[@]}" python3 scripts/docs.py bin/infinisim .venv/bin/python "$@"
