#!/usr/bin/env bash
# Runs the real clients against bin/infinisim.
set -eu
cd "$(dirname "$0")/.."
scripts/venv.sh
python=$PWD/.venv/bin/python
sdist=.cache/infinisdk-289.1.4
if [ ! -d "$sdist" ]; then
  mkdir -p .cache
  .venv/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest .cache infinisdk==289.1.4
  tar -xzf .cache/infinisdk-289.1.4.tar.gz -C .cache
fi
echo "the documentation's page on replication, as a doctest"
INFINISIM_BIN=$PWD/bin/infinisim PYTHONPATH=python "$python" scripts/doctest/run.py "$sdist" replication --expect 20 7
echo "replication end to end, over sockets"
"$python" scripts/client_replication.py bin/infinisim
echo "what serve prints, pasted"
scripts/greeting.sh "$python"
echo "the examples of the documentation"
scripts/docs.sh
