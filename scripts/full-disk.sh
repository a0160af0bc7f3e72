#!/usr/bin/env bash
# Fills the disk of a durable server: a tmpfs of its own, which only root may
# mount. A change that does not fit fails with an error that says so, what was
# there is still read, and nothing of the change remains; with room again, writes
# work, and a restart finds every acknowledged change.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
  echo "full disk: left out, since only root may mount a small disk"
  exit 0
fi
[ -x bin/infinisim ] || go build -o bin/infinisim ./cmd/infinisim
work=$(mktemp -d)
server=
trap 'kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; umount "$work/disk" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/disk"
if ! mount -t tmpfs -o size=2m tmpfs "$work/disk"; then
  echo "full disk: left out, since this machine does not let a disk be mounted"
  exit 0
fi

serve() {
  rm -f "$work/ready"
  bin/infinisim serve --arrays 1 --clock manual --listen 127.0.0.1:0 --control 127.0.0.1:0 --ready-file "$work/ready" --data "$work/disk" >/dev/null 2>"$work/errs" &
  server=$!
  for _ in $(seq 600); do
    [ -s "$work/ready" ] && return
    kill -0 "$server" || { cat "$work/errs" >&2; return 1; }
    sleep 0.1
  done
  return 1
}

serve
cat >"$work/client.py" <<'END'
import base64, json, pathlib, subprocess, sys, urllib.error, urllib.request
work = pathlib.Path(sys.argv[2])
line = json.load(open(work / "ready"))
auth = {"Authorization": "Basic " + base64.b64encode(b"admin:123456").decode(), "Content-Type": "application/json"}
def ask(method, path, body=None, base=None):
    r = urllib.request.Request((base or line["arrays"][0]["url"] + "/api/rest/") + path, None if body is None else json.dumps(body).encode(), auth, method=method)
    try:
        answer = json.load(urllib.request.urlopen(r, timeout=60))
        return answer.get("result", answer), None
    except urllib.error.HTTPError as e:
        return None, json.load(e)["error"]
def must(*a, **k):
    result, error = ask(*a, **k)
    assert error is None, (a, error)
    return result
def names():
    return sorted(v["name"] for page in range(1, 100) for v in must("GET", f"volumes?fields=name&page_size=1000&page={page}"))
def sound():
    bad = must("POST", "check", base=line["control"] + "/_sim/v1/")["violations"]
    assert not bad, bad
if sys.argv[1] == "fill":
    pool = must("POST", "pools", {"name": "p", "physical_capacity": 9 * 10**13, "virtual_capacity": 9 * 10**13})["id"]
    kept, error = [], None
    for i in range(20000):
        name = f"v{i}"
        made, error = ask("POST", "volumes", {"name": name, "pool_id": pool, "size": 10**9})
        if error:
            break
        kept.append(name)
    assert error, "the disk does not get full"
    assert error["code"] == "INTERNAL_ERROR" and "could not be kept" in error["message"], error
    print(f"full after {len(kept)} volumes: {error['message']}")
    assert names() == sorted(kept), "what was there is not what is read"
    sound()
    subprocess.run(["mount", "-o", "remount,size=64m", str(work / "disk")], check=True)
    must("POST", "volumes", {"name": "with room again", "pool_id": pool, "size": 10**9})
    (work / "kept").write_text(json.dumps(kept + ["with room again"]))
kept = json.loads((work / "kept").read_text())
assert names() == sorted(kept), "after all"
sound()
print(f"{len(kept)} volumes are there, and the check finds nothing")
END
python3 "$work/client.py" fill "$work"
kill -KILL "$server"
wait "$server" 2>/dev/null || true
serve
python3 "$work/client.py" look "$work"
echo "ok   full disk: refused, read, written to again, and whole after a restart"
