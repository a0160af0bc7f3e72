#!/usr/bin/env bash
# Builds the manual as a site into dist/site, and sees that its links and those
# of the README lead somewhere, that it asks no other host for anything, and
# that words are spelled right.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/venv.sh .venv-site requirements-site.txt
mermaid=11.17.2
drawn=.cache/site/mermaid-$mermaid.min.js
if [ ! -e "$drawn" ]; then
  mkdir -p .cache/site
  (cd .cache/site && npm pack --silent "mermaid@$mermaid" >/dev/null)
  tar -xzf ".cache/site/mermaid-$mermaid.tgz" -C .cache/site package/dist/mermaid.min.js
  mv .cache/site/package/dist/mermaid.min.js "$drawn"
  rm -rf .cache/site/package ".cache/site/mermaid-$mermaid.tgz"
fi
.venv-site/bin/codespell --ignore-words-list nd,te,fo,ro,crate,unstall --skip 'docs/images,docs/fidelity.md' README.md docs python/README.md examples/*/*.y* mkdocs.yml
echo "ok   codespell"
# Not --quiet: it would leave nothing for --strict to count.
if ! NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs build --strict --clean >.cache/site/log 2>&1; then
  grep -v '^INFO' .cache/site/log
  exit 1
fi
cp "$drawn" dist/site/assets/mermaid.min.js
.venv-site/bin/python scripts/site_check.py dist/site
