#!/usr/bin/env bash
# Runs every curl line of the README and of docs/ against a fresh server, and
# compares the README's printed answer.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
bin/infinisim serve --listen 127.0.0.1:0 --control 127.0.0.1:0 --ready-file "$work/ready" >"$work/printed" &
server=$!
until [ -s "$work/ready" ]; do kill -0 "$server"; done
array=$(grep -oE '"url":"http://[^"]*"' "$work/ready" | head -n 1 | grep -oE '127[^"]*')
control=$(grep -oE '"control":"http://[^"]*"' "$work/ready" | grep -oE '127[^"]*')
grep -hE '^ +(\$ )?curl ' README.md docs/*.md | sed -E 's/^ +(\$ )?//' >"$work/lines"
count=0
while read -r line; do
  line=${line//127.0.0.1:8080/$array}
  line=${line//localhost:8079/$control}
  (cd "$work" && bash -c "${line/curl/curl --silent --show-error --fail}") >"$work/answer" || { echo "failed: $line"; exit 1; }
  if [ "$count" = 0 ]; then
    sed -n '/^ *\$ curl/{n;s/^ *//;p}' README.md >"$work/want"
    diff "$work/want" <(cat "$work/answer"; echo)
  fi
  count=$((count + 1))
done <"$work/lines"
echo "ok   $count examples of the documentation"
