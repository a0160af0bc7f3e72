#!/usr/bin/env bash
# Makes .venv with the pinned client, unless it is there already.
set -eu
cd "$(dirname "$0")/.."
mark=.venv/$(sha256sum requirements.txt | cut -c1-16)
[ -e "$mark" ] && exit 0
echo "installing the clients into .venv"
rm -rf .venv
"${PYTHON:-python3}" -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
touch "$mark"
