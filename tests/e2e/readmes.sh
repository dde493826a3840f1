#!/usr/bin/env bash
# Every block of every README.md: programs compile and run, commands run, and both print what the page
# says. README.md in this folder has the rules; readmes.py does the work.
. "$(dirname "$0")/checks.sh"

here=$repository/tests/e2e
check "the comparison notices what differs" python3 "$here/readmes.py" --selftest
status=0
python3 "$here/readmes.py" "$build" || status=$?
failures=$((failures + status))
finish
