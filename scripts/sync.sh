#!/usr/bin/env bash
# Proves by strace that a durable server answers a change only after the sync of
# its data file returned. In the order of the calls of all threads: between the
# read of a request and the first byte of its answer the data file is written to,
# and a sync that began after the last of these writes has returned. A server
# without --data has to fail the same proof, or the proof would prove nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
changes=${CHANGES:-50}
command -v strace >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends strace; }
[ -x bin/infinisim ] || go build -o bin/infinisim ./cmd/infinisim
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

# trace NAME [FLAG...]: makes and deletes pools while every call of the server is noted.
trace() {
  local name=$1
  shift
  rm -f "$work/ready"
  strace -f -ttt -y -yy -s 60 -e trace=fsync,fdatasync,read,write,pwrite64,msync -o "$work/$name" \
    bin/infinisim serve --arrays 1 --clock manual --listen 127.0.0.1:0 --control 127.0.0.1:0 --ready-file "$work/ready" "$@" >/dev/null &
  server=$!
  for _ in $(seq 1200); do
    [ -s "$work/ready" ] && break
    kill -0 "$server" || return 1
    sleep 0.1
  done
  python3 - "$work/ready" "$changes" <<'END'
import base64, json, sys, urllib.request
url = json.load(open(sys.argv[1]))["arrays"][0]["url"] + "/api/rest/"
auth = {"Authorization": "Basic " + base64.b64encode(b"admin:123456").decode(), "Content-Type": "application/json"}
def ask(method, path, body=None):
    r = urllib.request.Request(url + path, None if body is None else json.dumps(body).encode(), auth, method=method)
    return json.load(urllib.request.urlopen(r, timeout=60))["result"]
made = {}
for i in range(int(sys.argv[2])):
    kind = i % 4
    if kind == 0:
        made = ask("POST", "pools", {"name": f"p{i}", "physical_capacity": 10**12, "virtual_capacity": 10**12})
    elif kind == 1:
        volume = ask("POST", "volumes", {"name": f"v{i}", "pool_id": made["id"], "size": 10**9})
    elif kind == 2:
        ask("PUT", f"volumes/{volume['id']}", {"size": 2 * 10**9})
    else:
        ask("DELETE", f"volumes/{volume['id']}?approved=true")
END
  kill "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["pid"])' "$work/ready")"
  wait "$server" || true
}

# check NAME: reads the calls in order.
check() {
  python3 - "$work/$1" "$changes" <<'END'
import re, sys
data = re.compile(r"(pwrite64|write|fsync|fdatasync)\(\d+<[^>]*/data/[^>]*\.db>")
request = re.compile(r"read\(\d+<TCP.*\)\s+= [1-9]")  # its first byte may come alone
answer = re.compile(r'write\(\d+<TCP.*?, "HTTP/1\.1 ')
begun = {}  # calls that have not returned, by thread: their text, and how many writes there were
writes = kept = 0  # writes to the data file that returned, and those of them that a sync holds
asked, answers, syncs, early = None, 0, 0, []
for line in open(sys.argv[1], errors="replace"):
    thread, _, call = line.rstrip().split(None, 2)
    if "resumed>" in call:
        begin, before = begun.pop(thread, ("", 0))
        call, returned, resumed = begin + call, True, True
    else:
        before, resumed, returned = writes, False, "<unfinished ...>" not in call
        if not returned:
            begun[thread] = (call, before)
    if answer.match(call) and not resumed:  # an answer begins when its write is called
        answers += 1
        if asked is None or writes == asked or kept < writes:
            early.append(answers)
        asked = None
    elif request.match(call) and returned:
        asked = writes if asked is None else asked
    elif data.match(call):
        if "sync" in call.split("(")[0]:
            if returned and re.search(r"\)\s+= 0", call):
                kept, syncs = max(kept, before), syncs + 1
        elif not resumed:  # from its call on, a write is not kept
            writes += 1
print(f"{answers} answers to {sys.argv[2]} changes, {writes} writes and {syncs} syncs of the data file, {len(early)} answers too early")
sys.exit(0 if not early and answers == int(sys.argv[2]) else 1)
END
}

trace durable --data "$work/data"
check durable
trace memory
if check memory; then
  echo "FAIL sync: a server without --data passes: this proves nothing" >&2
  exit 1
fi
echo "ok   sync: every answer of a durable server was written after its sync had returned"
