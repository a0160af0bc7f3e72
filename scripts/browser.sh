#!/usr/bin/env bash
# The dashboard in a headless Chromium: every view, theme, width and control,
# with axe-core, which is fetched once into .cache/axe. Pictures go to
# dist/screenshots. It fails where Chromium or axe-core is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
axe=4.10.3
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
  echo "scripts/browser.sh: no chromium: apt-get install chromium" >&2
  exit 1
fi
if ! command -v npm >/dev/null; then
  echo "scripts/browser.sh: no npm, which fetches axe-core: apt-get install npm" >&2
  exit 1
fi
if [ ! -f ".cache/axe/$axe/node_modules/axe-core/axe.min.js" ]; then
  mkdir -p ".cache/axe/$axe"
  npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix ".cache/axe/$axe" "axe-core@$axe"
fi
rm -rf dist/screenshots
export INFINISIM_BROWSER=required
export INFINISIM_AXE="$PWD/.cache/axe/$axe/node_modules/axe-core/axe.min.js"
export INFINISIM_SCREENSHOTS="$PWD/dist/screenshots"
go test ./sim/ui -run TestBrowser -count=1 -timeout 30m -v "$@" | grep -E '^ *--- |^(ok|FAIL|PASS)|_test.go|Error|Messages|expected|actual'
echo "$(find dist/screenshots -name '*.png' | wc -l) pictures in dist/screenshots"
