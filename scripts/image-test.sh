#!/usr/bin/env bash
# Starts the image in a container, by runc, and has InfiniSDK talk to it:
# image-test.sh PYTHON
set -eu
cd "$(dirname "$0")/.."
python=$PWD/$1
work=$(mktemp -d)
name=infinisim-test-$$
cleanup() {
  runc --root "$work/runc" kill "$name" KILL 2>/dev/null || true
  runc --root "$work/runc" delete --force "$name" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
"$python" - <<'END'
import json
def blob(digest):
    with open("bin/image/blobs/sha256/" + digest.removeprefix("sha256:")) as file:
        return json.load(file)
with open("bin/image/index.json") as file:
    tags = {m["annotations"]["org.opencontainers.image.ref.name"]: m for m in json.load(file)["manifests"]}
both = blob(tags["latest"]["digest"])["manifests"]
assert [m["platform"]["architecture"] for m in both] == ["amd64", "arm64"], both
for manifest in both:
    image = blob(blob(manifest["digest"])["config"]["digest"])
    config = image["config"]
    assert image["architecture"] == manifest["platform"]["architecture"]
    assert config["User"] == "65532:65532", config["User"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/infinisim", "health"], config
    assert {"org.opencontainers.image." + word for word in ("title", "version", "revision", "licenses")} <= config["Labels"].keys(), config["Labels"]
END
[ "$(od -An -tu2 -j18 -N2 bin/linux/arm64/infinisim | tr -d ' ')" = 183 ] || { echo "the binary of arm64 is for another machine"; exit 1; }
if command -v qemu-aarch64-static >/dev/null; then
  qemu-aarch64-static bin/linux/arm64/infinisim --help | grep -q "A simulator of InfiniBox"
  echo "ok   the binary of arm64 runs, by qemu"
fi
umoci unpack --image bin/image:amd64 "$work/bundle" >/dev/null 2>&1
# The network is the host's; everything else is the container's own.
"$python" - "$work/bundle/config.json" <<'END'
import json, sys
with open(sys.argv[1]) as file:
    config = json.load(file)
assert config["process"]["user"]["uid"] == 65532, "the image runs as root"
assert config["process"]["args"][:2] == ["/infinisim", "serve"], config["process"]["args"]
config["process"]["args"] = ["/infinisim", "serve", "--listen", "127.0.0.1:18080", "--control", "127.0.0.1:18079"]
config["process"]["env"].append("INFINISIM_CONTROL_TOKEN=secret")
config["process"]["terminal"] = False
config["root"]["readonly"] = True
config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] not in ("network", "cgroup")]
config["linux"].pop("resources", None)
config["mounts"] = [m for m in config["mounts"] if m["type"] in ("proc", "tmpfs")]
with open(sys.argv[1], "w") as file:
    json.dump(config, file)
END
runc --root "$work/runc" run --bundle "$work/bundle" "$name" >"$work/printed" 2>&1 </dev/null &
container=$!
until grep -q "Ctrl-C ends it" "$work/printed"; do kill -0 $container || { cat "$work/printed"; exit 1; }; done
runc --root "$work/runc" exec "$name" /infinisim health --control http://127.0.0.1:18079 </dev/null | grep -x ok
"$python" - <<'END'
from infinisdk import InfiniBox
system = InfiniBox(("127.0.0.1", 18080), auth=("admin", "123456"))
system.login()
pool = system.pools.create(name="pool-1")
assert str(system.volumes.create(name="vol-1", pool=pool).get_size()) == "1 GB"
END
curl --silent --fail -H "Authorization: Bearer secret" http://127.0.0.1:18079/_sim/v1/clock >/dev/null
if curl --silent --fail http://127.0.0.1:18079/_sim/v1/clock >/dev/null; then echo "the control plane asks for no token"; exit 1; fi
echo "ok   the image runs by runc as user 65532 with a read-only root, is healthy, and InfiniSDK talks to it"
