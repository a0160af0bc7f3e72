#!/usr/bin/env bash
# Builds the container image from the Dockerfile, without a daemon, into
# bin/image (an OCI layout) and bin/infinisim-image.tar (for docker load).
set -eu
cd "$(dirname "$0")/.."
if ! command -v buildah >/dev/null; then
  echo "buildah is missing: apt-get install buildah, or build the Dockerfile with a daemon" >&2
  exit 1
fi
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/infinisim ./cmd/infinisim
rm -rf bin/image bin/infinisim-image.tar
quiet="--storage-driver vfs --root $PWD/.cache/containers --runroot $PWD/.cache/containers-run"
# shellcheck disable=SC2086
buildah $quiet bud --isolation chroot --format docker --tag infinisim --quiet . >/dev/null
# shellcheck disable=SC2086
buildah $quiet push --quiet infinisim "oci:bin/image:latest"
# shellcheck disable=SC2086
buildah $quiet push --quiet infinisim "docker-archive:bin/infinisim-image.tar:infinisim:latest"
ls -l bin/infinisim-image.tar
