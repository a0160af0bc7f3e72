#!/usr/bin/env bash
# Builds the container images of amd64 and arm64 from the Dockerfile, without a
# daemon, into bin/image (an OCI layout: `latest` is an index of both, and each
# has a tag of its own) and bin/infinisim-image-ARCH.tar (for docker load).
#   image.sh            builds
#   image.sh --twice    builds here and in a copy of the tree elsewhere, with a
#                       build cache of its own, and compares the digests
# VERSION and REVISION are what the images say of themselves.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v buildah >/dev/null; then
  echo "buildah is missing: apt-get install buildah, or build the Dockerfile with a daemon" >&2
  exit 1
fi
export VERSION=${VERSION:-snapshot} REVISION=${REVISION:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}
most=$((30 * 1000 * 1000))
quiet=(--storage-driver vfs --root "$PWD/.cache/containers" --runroot "$PWD/.cache/containers-run")
rm -rf bin/image bin/infinisim-image*.tar .cache/image
mkdir -p .cache/image
for arch in amd64 arm64; do
  CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X main.version=$VERSION" -o "bin/linux/$arch/infinisim" ./cmd/infinisim
  buildah "${quiet[@]}" bud --isolation chroot --format docker --platform "linux/$arch" --timestamp 0 --identity-label=false \
    --build-arg "VERSION=$VERSION" --build-arg "REVISION=$REVISION" --tag "infinisim-$arch" --quiet . >/dev/null
  buildah "${quiet[@]}" push --quiet "infinisim-$arch" "oci:.cache/image/layout:$arch"
  buildah "${quiet[@]}" push --quiet "infinisim-$arch" "docker-archive:bin/infinisim-image-$arch.tar:infinisim:latest"
  buildah "${quiet[@]}" inspect --type image "infinisim-$arch" >".cache/image/$arch.json"
  size=$(stat -c %s "bin/infinisim-image-$arch.tar")
  if [ "$size" -gt "$most" ]; then echo "the image of $arch has $size bytes, more than $most" >&2; exit 1; fi
  echo "ok   image of $arch: $((size / 1000)) kB unpacked, of at most $((most / 1000))"
done
python3 scripts/image-index.py .cache/image bin/image
[ "${1:-}" = --twice ] || exit 0

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  [ ! -e "$file" ] || printf '%s\0' "$file"
done | tar --create --null --files-from=- | tar --extract --directory="$copy"
mkdir -p .cache/go-build-second
GOCACHE=$PWD/.cache/go-build-second "$copy/scripts/image.sh" >/dev/null
if ! diff bin/image/index.json "$copy/bin/image/index.json"; then
  echo "the same tree in another folder gives another image" >&2
  exit 1
fi
echo "ok   another folder gives the same digest: $(python3 -c 'import json; print(json.load(open("bin/image/index.json"))["manifests"][0]["digest"])')"
