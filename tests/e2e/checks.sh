# What the end-to-end tests share. They source it with the build folder as $1, and then run in a
# temporary folder. Run as a script, it tests itself: checks that should fail have to fail.
set -euo pipefail

build=$(cd "${1:?usage: $0 BUILD_FOLDER}" && pwd)
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
seq2seq=$build/seq2seq
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

failures=0
ok() { echo "ok      $1"; }
failed() {  # NAME [WHY]
  echo "FAILED  $1"
  if [ $# -gt 1 ]; then sed 's/^/        /' <<<"$2"; fi
  failures=$((failures + 1))
}
finish() { exit $((failures > 0)); }

check() {  # NAME COMMAND…: the command succeeds
  local name=$1 said
  shift
  if said=$("$@" 2>&1); then ok "$name"; else failed "$name" "$*: $(head -n 5 <<<"$said")"; fi
}
not() { ! "$@"; }

# Renames the checksum that a model's file stores, so that a changed file is not refused for it.
without_checksum() { LC_ALL=C sed -i 's/adjoint\.crc32/another.crc32/' "$1"; }

# Runs a command. Its output goes to the file out, standard error to err, its exit code to $status.
run() {
  status=0
  "$@" >out 2>err || status=$?
}

succeeds() {  # NAME COMMAND…: exit code 0, nothing on standard error
  local name=$1
  shift
  run "$@" </dev/null
  if [ $status = 0 ] && [ ! -s err ]; then ok "$name"; else
    failed "$name" "exit code $status: $(head -n 3 err)"
  fi
}

# NAME CODE "PART|PART…" COMMAND…: that exit code, and one line on standard error with all parts
refuses() {
  local name=$1 code=$2 part why=
  local -a parts
  IFS='|' read -ra parts <<<"$3"
  shift 3
  run "$@" </dev/null
  [ $status = "$code" ] || why+="exit code $status, expected $code; "
  [ "$(wc -l <err)" = 1 ] || why+="$(wc -l <err) lines, expected 1; "
  for part in "${parts[@]}"; do
    grep -qF -e "$part" err || why+="does not say '$part'; "
  done
  if [ -z "$why" ]; then ok "$name"; else failed "$name" "$why"$'\n'"$(head -c 400 err)"; fi
}

# ---- Testing the checks --------------------------------------------------------------------------
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  says() { printf '%b' "$2" >&2; return "$1"; }
  notices() {  # NAME CHECK…
    local name=$1
    shift
    if ( failures=0; "$@"; finish ) >/dev/null; then failed "$name"; else ok "$name"; fi
  }
  check "a check that holds" true
  refuses "a refusal that holds" 2 '--width|32' says 2 'wrong --width: 32\n'
  notices "a command that fails" check - false
  notices "text on standard error" succeeds - says 0 'warning\n'
  notices "another exit code" refuses - 1 word says 2 'word\n'
  notices "a missing part" refuses - 1 'word|other' says 1 'word\n'
  notices "two lines" refuses - 1 word says 1 'word\nword\n'
  notices "silence" refuses - 1 '' says 1 ''
  finish
fi
