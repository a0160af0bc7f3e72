#!/usr/bin/env bash
# Runs the real clients against bin/infinisim, and holds what they do against
# what they did before (fixtures/conformance.json). The Ansible playbooks pause
# for minutes; they run beside the others.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/bin/infinisim
clients=scripts/clients
mkdir -p .cache
scripts/venv.sh .venv requirements.txt
scripts/venv.sh .venv-ansible $clients/ansible/requirements.txt
scripts/venv.sh .venv-cinder $clients/cinder/requirements.txt
python=$PWD/.venv/bin/python
for sdk in $("$python" $clients/sweep/run.py --older); do
  scripts/venv.sh ".venv-sdk-$sdk" "$clients/sweep/requirements-$sdk.txt"
done
sdist=.cache/infinisdk-289.1.4
if [ ! -d "$sdist" ]; then
  .venv/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest .cache infinisdk==289.1.4
  tar -xzf .cache/infinisdk-289.1.4.tar.gz -C .cache
fi
collections=.cache/collections

lines=.cache/conformance.jsonl
: >"$lines"
.venv-ansible/bin/python $clients/ansible/run.py "$bin" "$lines" "$collections" >.cache/ansible.txt 2>&1 &
ansible=$!
trap 'kill $ansible 2>/dev/null || true' EXIT
renice $(($(nice) + 5)) $$ >/dev/null # the playbooks go by the wall clock

# step WHAT COMMAND... says what it does, and how long that took.
step() {
  echo "$1"
  shift
  TIMEFORMAT="     %lR by the wall clock, %lU and %lS of CPU"
  time "$@"
}

# columns OUTPUT PYTHON RUNNER ARGUMENTS... runs every column that a runner lists, two at once.
columns() {
  local output=$1 runner=("$2" "$3")
  shift 3
  "${runner[@]}" --columns | xargs -P 2 -n 1 "${runner[@]}" "$@" >"$output"
}

# older runs what older versions of InfiniSDK sweep, each by a Python of its own.
older() {
  "$python" $clients/sweep/run.py --older | xargs -P 2 -I SDK env ".venv-sdk-SDK/bin/python" $clients/sweep/run.py --sdk SDK "$bin" "$lines" sweep-sdk-SDK >>.cache/sweep.txt
}

# atlas brings replicas to every state.
atlas() { "$python" $clients/atlas/run.py "$bin" "$lines" >.cache/atlas.txt; }

export INFINISIM_BIN=$bin PYTHONPATH=python/src
step "the Python package's whole surface" "$python" $clients/surface.py
step "the pages of InfiniSDK's documentation, as doctests: HTTP and TLS, sessions and Basic authentication" \
  columns .cache/pages.txt "$python" $clients/pages/run.py "$sdist" "$lines"
unset INFINISIM_BIN PYTHONPATH
step "replication end to end, over sockets" "$python" scripts/client_replication.py bin/infinisim
step "what serve prints, pasted" scripts/greeting.sh "$python"
step "the examples of the documentation" scripts/docs.sh
step "the tour, a script a type" scripts/tour.sh "$python"
step "the Python package" scripts/python-test.sh
step "sweeps by InfiniSDK, from its own field tables: releases, HTTP and TLS, sessions and Basic authentication" \
  columns .cache/sweep.txt "$python" $clients/sweep/run.py "$bin" "$lines"
step "the same by older versions of InfiniSDK, one column each" older
step "the states of replicas, by InfiniSDK's predicates, on a frozen clock" atlas
step "OpenStack Cinder's driver, the same four ways" \
  columns .cache/cinder.txt .venv-cinder/bin/python $clients/cinder/run.py "$bin" "$lines"
echo "the playbooks of the Ansible collection, with sessions and with Basic authentication (they began with the first)"
wait $ansible || { cat .cache/ansible.txt; exit 1; }
tail -n 1 .cache/ansible.txt
"$python" $clients/ratchet.py fixtures/conformance.json "$lines"
