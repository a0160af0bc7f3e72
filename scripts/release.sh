#!/usr/bin/env bash
# Builds a release into dist/release and proves it: archives of six platforms,
# Debian packages, bills of materials, checksums. goreleaser does it where it is
# installed; compiling it takes minutes, so elsewhere its configuration is read
# as it reads it, and the same is built with the same flags.
#   VERSION=1.2.3 release.sh
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
out=$PWD/dist/release
version=${VERSION:-0.0.1-snapshot}
rm -rf "$out"
mkdir -p "$out"
(cd scripts/releasecheck && go run . ../../.goreleaser.yaml)

# built FOLDER OUT OS ARCH builds a platform's program.
built() {
  (cd "$1" && CGO_ENABLED=0 GOOS=$3 GOARCH=$4 go build -trimpath -buildvcs=true -ldflags "-s -w -X main.version=$version" -o "$2" ./cmd/infinisim)
}
# archived GZIPPED FOLDER packs a folder's files alike every day.
archived() {
  tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" --directory="$2" . | gzip -n >"$1"
}

tools=$here/.cache/tools
[ -x "$tools/cyclonedx-gomod" ] || GOBIN=$tools go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
export PATH=$PATH:$tools
if command -v goreleaser >/dev/null; then
  goreleaser check
  goreleaser release --snapshot --clean --skip=publish
  version=$(sed -E 's/.*"version":"([^"]*)".*/\1/' "$out/metadata.json")
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
    os=${platform%/*} arch=${platform#*/}
    name=infinisim_${version}_${os}_${arch}
    binary=infinisim
    [ "$os" != windows ] || binary=infinisim.exe
    built . "$work/$name/$binary" "$os" "$arch"
    [ "$platform" != linux/amd64 ] || scripts/release-files.sh "$work/$name/$binary"
    cp LICENSE README.md "$work/$name"
    cp -r .cache/release/completions .cache/release/man "$work/$name"
    cyclonedx-gomod bin -json -noserial -output "$out/$name.cdx.json" "$work/$name/$binary" 2>/dev/null
    if [ "$os" = windows ]; then
      find "$work/$name" -exec touch --date="@$(git log -1 --format=%ct)" {} +
      (cd "$work/$name" && python3 -m zipfile -c "$out/$name.zip" ./*)
    else
      archived "$out/$name.tar.gz" "$work/$name"
    fi
    [ "$os" = linux ] || continue
    root=$work/deb-$arch
    install -D -m 755 "$work/$name/$binary" "$root/usr/bin/infinisim"
    install -D -m 644 LICENSE "$root/usr/share/doc/infinisim/copyright"
    install -D -m 644 .cache/release/completions/infinisim.bash "$root/usr/share/bash-completion/completions/infinisim"
    install -D -m 644 .cache/release/completions/infinisim.zsh "$root/usr/share/zsh/vendor-completions/_infinisim"
    install -D -m 644 .cache/release/completions/infinisim.fish "$root/usr/share/fish/vendor_completions.d/infinisim.fish"
    install -D -m 644 -t "$root/usr/share/man/man1" .cache/release/man/*
    mkdir "$root/DEBIAN"
    printf '%s\n' "Package: infinisim" "Version: $version" "Architecture: $arch" "Maintainer: infinisim <infinisim@example.com>" \
      "Section: utils" "Priority: optional" "Description: A simulator of InfiniBox storage arrays" >"$root/DEBIAN/control"
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) dpkg-deb --root-owner-group -Zgzip --build "$root" "$out/$name.deb" >/dev/null
  done
  (cd "$out" && sha256sum -- *.tar.gz *.zip *.deb *.json >checksums.txt)
fi
(cd "$out" && sha256sum --check --quiet checksums.txt)
archives=$(find "$out" -maxdepth 1 -name '*.tar.gz' -o -maxdepth 1 -name '*.zip' | wc -l)
[ "$archives" = 6 ] || { echo "$archives archives, not 6" >&2; exit 1; }
boms=$(grep -l '"bomFormat": *"CycloneDX"' "$out"/*.cdx.json | wc -l)
[ "$boms" = 6 ] || { echo "$boms bills of materials, not 6" >&2; exit 1; }
grep -q 'go.etcd.io/bbolt' "$out/infinisim_${version}_linux_amd64.cdx.json"
echo "ok   archives and bills of materials of six platforms, and checksums"

# The Debian package, installed into a folder; the program in it runs.
deb=$out/infinisim_${version}_linux_amd64.deb
into=$(mktemp -d)
trap 'rm -rf "$into" ${work:+"$work"}' EXIT
dpkg-deb --info "$deb" >/dev/null
mkdir -p "$into/var/lib/dpkg/updates" "$into/var/lib/dpkg/info"
touch "$into/var/lib/dpkg/status" "$into/var/lib/dpkg/available"
if [ "$(id -u)" = 0 ] && [ "$(dpkg --print-architecture)" = amd64 ]; then
  dpkg --root="$into" --force-not-root --install "$deb" >/dev/null 2>&1
else
  dpkg-deb --extract "$deb" "$into"
fi
"$into/usr/bin/infinisim" --version 2>/dev/null | grep -q "$version" || "$into/usr/bin/infinisim" version | grep -q "$version"
for file in usr/share/man/man1/infinisim.1 usr/share/bash-completion/completions/infinisim; do
  [ -s "$into/$file" ] || [ -s "$into/$file.gz" ] || { echo "the package has no $file" >&2; exit 1; }
done
echo "ok   the Debian package, installed into a folder, has completions and manual pages, and what is in it runs"

# The same commit gives the same bytes, in two folders, by two caches.
git clone --quiet "$here" "$into/one"
git clone --quiet "$here" "$into/elsewhere/two"
mkdir -p .cache/go-build-second
for platform in linux/amd64 windows/arm64; do
  os=${platform%/*} arch=${platform#*/}
  built "$into/one" "$into/first" "$os" "$arch"
  GOCACHE=$here/.cache/go-build-second built "$into/elsewhere/two" "$into/second" "$os" "$arch"
  cmp "$into/first" "$into/second"
  echo "ok   $platform: the same bytes from two clones"
done
