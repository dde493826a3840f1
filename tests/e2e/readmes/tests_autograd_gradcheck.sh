# Rewrites the page. tests/e2e/ten_mistakes.sh runs it with --check.
/usr/bin/python3() { [ -f "$1" ] || wrong "no $1"; }
