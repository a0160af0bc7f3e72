"""Makes one OCI layout of the images of all platforms: image-index.py FROM TO

FROM has a layout with a tag for each platform, as buildah pushes it, and for
each a file PLATFORM.json, as it inspects it. The health check, which buildah
leaves out of OCI configurations, is put back where Docker and podman read it.
"""

import hashlib
import json
import os
import shutil
import sys

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
TAG = "org.opencontainers.image.ref.name"


def main():
    """Writes the layout that the command line names."""
    source, target = sys.argv[1:]
    blobs = os.path.join(target, "blobs", "sha256")
    os.makedirs(blobs)
    shutil.copy(os.path.join(source, "layout", "oci-layout"), target)
    manifests = []
    for entry in read(source, "layout", "index.json")["manifests"]:
        arch = entry["annotations"][TAG]
        manifest = read(source, "layout", "blobs", "sha256", entry["digest"].removeprefix("sha256:"))
        config = read(source, "layout", "blobs", "sha256", manifest["config"]["digest"].removeprefix("sha256:"))
        if config["architecture"] != arch:
            sys.exit(f"the image of {arch} says that it is one of {config['architecture']}")
        config["config"]["Healthcheck"] = read(source, f"{arch}.json")["Docker"]["config"]["Healthcheck"]
        manifest["config"].update(blob(blobs, config))
        for layer in manifest["layers"]:
            name = layer["digest"].removeprefix("sha256:")
            shutil.copy(os.path.join(source, "layout", "blobs", "sha256", name), blobs)
        manifests.append({"mediaType": MANIFEST, **blob(blobs, manifest), "platform": {"architecture": arch, "os": "linux"}})
    manifests.sort(key=lambda m: m["platform"]["architecture"])
    index = {"mediaType": INDEX, **blob(blobs, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})}
    tags = [tagged(index, "latest")] + [tagged(m, m["platform"]["architecture"]) for m in manifests]
    with open(os.path.join(target, "index.json"), "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 2, "mediaType": INDEX, "manifests": tags}, file, indent=1)


def read(*path):
    """Returns what a JSON file holds."""
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


def blob(folder, value):
    """Writes a value as a blob, and returns what a descriptor says of it."""
    raw = json.dumps(value, separators=(",", ":")).encode()
    name = hashlib.sha256(raw).hexdigest()
    with open(os.path.join(folder, name), "wb") as file:
        file.write(raw)
    return {"digest": "sha256:" + name, "size": len(raw)}


def tagged(descriptor, tag):
    """Returns a descriptor with a name."""
    return {**descriptor, "annotations": {TAG: tag}}


if __name__ == "__main__":
    main()
