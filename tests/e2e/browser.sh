#!/usr/bin/env bash
# The pages that programs write, in a headless Chromium. `make browser` runs it.
set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for script in explorer stages what_if live report; do
  python3 "$(dirname "$0")/browser/$script.py" "$1" "$scratch"
done
