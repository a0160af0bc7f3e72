#!/usr/bin/env bash
# Builds, serves two linked arrays, asks the first one for a volume by InfiniSDK,
# and goes on until Ctrl-C: try.sh [FLAGS OF SERVE]
set -euo pipefail
cd "$(dirname "$0")/.."
go build -o bin/infinisim ./cmd/infinisim
scripts/venv.sh .venv requirements.txt
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
bin/infinisim serve --ready-file "$work/ready" "$@" >/dev/null &
server=$!
until [ -s "$work/ready" ]; do kill -0 "$server"; done
.venv/bin/python - "$work/ready" <<'END_OF_PYTHON'
import json, sys
from urllib.parse import urlsplit
from infinisdk import InfiniBox
with open(sys.argv[1]) as file:
    ready = json.load(file)
url = urlsplit(ready["arrays"][0]["url"])
system = InfiniBox((url.hostname, url.port), auth=("admin", "123456"))
system.login()
pool = system.pools.create(name="pool-1")
volume = system.volumes.create(name="vol-1", pool=pool)
print(f"InfiniSDK made {volume.get_name()} of {volume.get_size()} on {system.get_name()}.")
print("Arrays:", *(array["url"] for array in ready["arrays"]), "(admin, 123456)")
print(f"Dashboard: {ready['control']}/_sim/ui")
print("Ctrl-C ends it.", flush=True)
END_OF_PYTHON
trap 'kill -INT "$server"' INT TERM
wait "$server" || wait "$server"
