#!/usr/bin/env bash
# Makes a virtual environment with what a requirements file pins, unless it is
# there already: venv.sh FOLDER REQUIREMENTS
set -eu
cd "$(dirname "$0")/.."
folder=$1
mark=$folder/$(sha256sum "$2" | cut -c1-16)
[ -e "$mark" ] && exit 0
echo "installing $2 into $folder"
rm -rf "$folder"
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check -r "$2"
touch "$mark"
