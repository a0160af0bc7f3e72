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
renice -n 5 $$ >/dev/null # the playbooks go by the wall clock

echo "replication end to end, over sockets"
"$python" scripts/client_replication.py bin/infinisim
echo "what serve prints, pasted"
scripts/greeting.sh "$python"
echo "the examples of the documentation"
scripts/docs.sh
echo "the tour, a script a type"
scripts/tour.sh "$python"
echo "the Python package"
scripts/python-test.sh
INFINISIM_BIN=$bin PYTHONPATH=python/src "$python" $clients/surface.py
echo "the pages of InfiniSDK's documentation, as doctests: HTTP and TLS, sessions and Basic authentication"
"$python" $clients/pages/run.py --columns | INFINISIM_BIN=$bin PYTHONPATH=python/src xargs -P 2 -n 1 "$python" $clients/pages/run.py "$sdist" "$lines" >.cache/pages.txt
echo "sweeps by InfiniSDK, from its own field tables: releases, HTTP and TLS, sessions and Basic authentication"
"$python" $clients/sweep/run.py --columns | xargs -P 2 -n 1 "$python" $clients/sweep/run.py "$bin" "$lines" >.cache/sweep.txt
echo "the same by older versions of InfiniSDK, one column each"
"$python" $clients/sweep/run.py --older | xargs -P 2 -I SDK env ".venv-sdk-SDK/bin/python" $clients/sweep/run.py --sdk SDK "$bin" "$lines" sweep-sdk-SDK >>.cache/sweep.txt
echo "the states of replicas, by InfiniSDK's predicates, on a frozen clock"
"$python" $clients/atlas/run.py "$bin" "$lines" >.cache/atlas.txt
echo "OpenStack Cinder's driver, the same four ways"
.venv-cinder/bin/python $clients/cinder/run.py --columns | xargs -P 2 -n 1 .venv-cinder/bin/python $clients/cinder/run.py "$bin" "$lines" >.cache/cinder.txt
echo "the playbooks of the Ansible collection (they began with the first)"
wait $ansible || { cat .cache/ansible.txt; exit 1; }
"$python" $clients/ratchet.py fixtures/conformance.json "$lines"
