#!/usr/bin/env bash
# Proves the OpenAPI documents of the arrays (both releases) and of the control
# plane: an independent validator, a generated client at work, and schemathesis
# with at most EXAMPLES cases a request in its fuzzing (6 unless told otherwise)
# and all of its coverage; PHASES and CHECKS say which it has. Release 8.6 goes
# beside the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/venv.sh .venv-openapi scripts/openapi/requirements.txt
bin=$PWD/.venv-openapi/bin
export PATH=$bin:$PATH SCHEMATHESIS_HOOKS=hooks PYTHONPATH=$PWD/scripts/openapi
examples=${EXAMPLES:-6}
phases=${PHASES:-coverage,fuzzing,stateful}
checks=${CHECKS:-not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance}
work=$(mktemp -d)
trap 'wait; rm -rf "$work"' EXIT

# down ends the servers of a part.
pids=()
down() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait; }

# up NAME PROFILE serves two arrays, and sets array and control.
up() {
  bin/infinisim serve --listen 127.0.0.1:0 --control 127.0.0.1:0 --ready-file "$work/$1.ready" --clock manual --seed 7 --profile "$2" \
    >/dev/null 2>"$work/$1.log" &
  pids+=($!)
  until [ -s "$work/$1.ready" ]; do kill -0 "${pids[-1]}"; done
  array=$(grep -oE '"url":"http://[^"]*"' "$work/$1.ready" | head -n 1 | cut -d'"' -f4)
  control=$(grep -oE '"control":"http://[^"]*"' "$work/$1.ready" | cut -d'"' -f4)
}

# fuzz NAME DOCUMENT URL OPTIONS... runs schemathesis, and prints what it did.
# Afterwards the server answers, has panicked nowhere, and holds a lab that is as
# it must be.
fuzz() {
  local name=$1 document=$2 url=$3 started=$SECONDS
  shift 3
  if ! schemathesis run "$document" --url "$url" --auth infinidat:123456 --checks "$checks" --phases "$phases" --max-examples "$examples" \
    --seed 1 --generation-database none --continue-on-failure --no-shrink --no-color --warnings off --suppress-health-check all \
    --request-timeout 60 "$@" >"$work/$name.out" 2>&1; then
    cat "$work/$name.out"
    return 1
  fi
  if grep -m 5 -E 'panicked|level=ERROR' "$work/$name.log"; then return 1; fi
  echo "ok   schemathesis, $name: $(grep -oE '[0-9]+ selected' "$work/$name.out" | head -n 1), $(grep -E 'generated' "$work/$name.out" | tail -n 1 | xargs), $((SECONDS - started)) s"
}

# sound CONTROL: the lab is as it must be.
sound() { [[ $(curl -sS --fail -X POST "$1/_sim/v1/check") == '{"violations":[]'* ]]; }

# prove_array PROFILE proves the description of arrays of a release.
prove_array() {
  local profile=$1 document=$work/$1.json
  up "$profile" "$profile"
  curl -sS --fail -o "$document" "$control/_sim/v1/arrays/box-1/openapi.json"
  openapi-spec-validator "$document" >/dev/null
  mkdir "$work/client-$profile"
  openapi-python-client generate --path "$document" --output-path "$work/client-$profile/infinibox_client" --meta none --fail-on-warning >/dev/null
  MYPYPATH=$work/client-$profile mypy --strict --follow-imports=silent --cache-dir "$work/mypy-$profile" scripts/openapi/client.py >/dev/null
  python scripts/openapi/client.py "$work/client-$profile" "$array"
  echo "ok   the description of release $profile: valid, and a client made from it works"
  # Who changes or deletes users can take the run's own user away: these two
  # requests have a server of their own, below.
  fuzz "$profile" "$document" "$array" --exclude-operation-id put_users_id --exclude-operation-id delete_users_id
  curl -sS --fail -o /dev/null -u infinidat:123456 "$array/api/rest/system?fields=name"
  sound "$control"
  up "users-$profile" "$profile"
  fuzz "users-$profile" "$document" "$array" --include-operation-id put_users_id --include-operation-id delete_users_id
}

# prove_control proves that of the control plane.
prove_control() {
  up control 8.6
  curl -sS --fail -o "$work/control.json" "$control/_sim/v1/openapi.json"
  openapi-spec-validator "$work/control.json" >/dev/null
  echo "ok   the description of the control plane: valid"
  fuzz control "$work/control.json" "$control"
  curl -sS --fail -o /dev/null "$control/_sim/v1/health"
}

(trap down EXIT; prove_array 8.6) >"$work/8.6.part" 2>&1 &
first=$!
(trap down EXIT; prove_array 7.2; prove_control) &
second=$!
failed=0
wait "$second" || failed=1
wait "$first" || failed=1
cat "$work/8.6.part"
exit "$failed"
