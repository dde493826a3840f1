# Needs the version of PyTorch that the page names, and rewrites files of the repository.
# tests/e2e/exchange.sh runs the same commands elsewhere.
python3() { [ -f "$1" ] || wrong "no $1"; }
build/exchange() { [ -d "$2" ] || wrong "no $2"; }
