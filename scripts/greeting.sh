#!/usr/bin/env bash
# Pastes what `infinisim serve` prints for a newcomer, with the Python given,
# and expects it to work as printed.
set -eu
cd "$(dirname "$0")/.."
python=$1
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
bin/infinisim serve --listen 127.0.0.1:0 --control 127.0.0.1:0 --ready-file "$work/ready" >"$work/printed" &
server=$!
until [ -s "$work/ready" ]; do kill -0 "$server"; done
sed -n '/^from infinisdk/,/^END/p' "$work/printed" | sed '/^END/d' >"$work/paste.py"
"$python" "$work/paste.py" | grep -x '1 GB'
grep '^curl' "$work/printed" >"$work/paste.sh"
sed -i 's/^curl/curl --silent --show-error --fail/' "$work/paste.sh"
bash "$work/paste.sh" >"$work/answers"
grep -q '"name":"vol-1"' "$work/answers"
grep -q '"mode":"system"' "$work/answers"
kill -INT "$server"
wait "$server"
echo "ok   the greeting works as printed, and Ctrl-C ends the server cleanly"
