#!/usr/bin/env bash
# Proves the Python package: style, types, examples, tests, the wheel in empty
# environments of several Pythons, and 200 tests on eight workers.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/venv.sh .venv-python python/requirements.txt
python=$PWD/.venv-python/bin/python
export INFINISIM_BIN=$PWD/bin/infinisim
.venv-python/bin/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shown COMMAND... prints the last line of what it said, or all if it failed.
shown() { "$@" >"$work/out" 2>&1 || { cat "$work/out"; return 1; }; tail -n 1 "$work/out"; }

cd python
"$python" -m ruff check --quiet .
"$python" -m ruff format --quiet --check .
"$python" -m mypy | tail -n 1
echo "ok   ruff, mypy --strict"
shown "$python" -m pytest -q -p no:cacheprovider --doctest-modules src tests
echo "ok   the examples in the package, and its tests"
started=$(date +%s%N)
shown "$python" -m pytest -q -p no:cacheprovider -n 8 tests/isolation
echo "ok   200 tests of a linked pair each, on eight workers: $((($(date +%s%N) - started) / 1000000)) ms"
cd ..

unset INFINISIM_BIN
rm -rf dist
scripts/wheel.sh "$python" >/dev/null
wheel=$(ls "$PWD"/dist/infinisim-*linux*.whl)
# The README's example, and those of docs/python.md.
"$python" scripts/python-examples.py README.md "$work/readme"
"$python" scripts/python-examples.py docs/python.md "$work/docs"
# The oldest and the newest Python that are here, and the one of the path; all of
# them with PYTHONS=all.
found=()
for each in $(ls -d "$HOME"/.pyenv/versions/3.*/bin/python 2>/dev/null | sort -V); do
  if "$each" -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then found+=("$each"); fi
done
if [ "${PYTHONS:-}" != all ] && [ "${#found[@]}" -gt 2 ]; then found=("${found[0]}" "${found[-1]}"); fi
for each in python3 "${found[@]}"; do
  version=$("$each" -c 'import platform; print(platform.python_version())')
  [ -e "$work/$version" ] && continue
  "$each" -m venv "$work/$version"
  "$work/$version/bin/pip" install --quiet --disable-pip-version-check "$wheel" pytest infinisdk==289.1.4 2>/dev/null
  # No Go, no program on the path, none named: the wheel is enough.
  (cd "$work" && env -i PATH="$work/$version/bin:/usr/bin:/bin" HOME="$work" "$version/bin/python" -m pytest -q -p no:cacheprovider readme docs | tail -n 1)
  env -i PATH="$work/$version/bin" "$work/$version/bin/infinisim" serve --help | grep -q -- --exit-with-stdin
  echo "ok   the wheel on Python $version, in an empty environment"
done
