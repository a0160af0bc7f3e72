#!/usr/bin/env bash
# Holds the files of examples/ against the schemas and linters of those who read
# them, and plays what needs no container daemon: what a job's steps ask, with
# the server started as each file says. Where a daemon runs, the tests of the
# testcontainers examples run too.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/venv.sh .venv-examples examples/requirements.txt
python=$PWD/.venv-examples/bin/python
export PATH=$PWD/.venv-examples/bin:$PATH
cd examples
check-jsonschema --quiet --builtin-schema vendor.compose-spec compose/compose.yaml
check-jsonschema --quiet --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci gitlab-ci/.gitlab-ci.yml
check-jsonschema --quiet --builtin-schema vendor.github-workflows github-actions/test.yaml
kubernetes-validate --strict --quiet kubernetes/infinisim.yaml
echo "ok   the schemas of Compose, GitLab CI, GitHub workflows and Kubernetes"
go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 -shellcheck= -pyflakes= github-actions/test.yaml
echo "ok   actionlint"
isolated=(unshare --net)
[ "$(id -u)" = 0 ] || isolated=(unshare --map-root-user --net)
(cd .. && "${isolated[@]}" "$python" scripts/ci-snippets.py bin/infinisim)
(cd testcontainers-go && go vet ./... && go test ./... >/dev/null)
echo "ok   the testcontainers example in Go compiles; its test runs where a daemon does"
cd testcontainers-python
mypy --strict --allow-untyped-calls --ignore-missing-imports --no-error-summary --cache-dir ../../.cache/mypy-examples .
"$python" -c 'import infinisim_container'
if docker info >/dev/null 2>&1; then "$python" -m pytest -q -p no:cacheprovider; fi
echo "ok   the testcontainers example in Python: mypy --strict; its test runs where a daemon does"
