#!/usr/bin/env bash
# explore: what the server answers, to whom, how it begins and ends, and the pages that it writes.
# tests/e2e/browser/live.py looks at the page itself.
. "$(dirname "$0")/checks.sh"

explore=$build/explore
if [ ! -x "$explore" ]; then
  echo "left out: without cpp-httplib there is no explore"
  finish
fi

# start ARG…: sets $server, $address and $port
start() {
  rm -f said
  "$explore" "$@" >said 2>complaints &
  server=$!
  for _ in {1..100}; do
    if [ -s said ]; then break; fi
    sleep 0.05
  done
  address=$(grep -o 'http://[^ ]*' said || true)
  port=${address##*:} port=${port%/}
}
ends() {  # NAME SIGNAL: within 5 seconds, with 0 and without a word
  local status=0
  kill -"$2" $server
  SECONDS=0
  timeout 20 tail --pid=$server -f /dev/null || kill -KILL $server
  wait $server || status=$?
  check "$1" [ "$status" = 0 ]
  check "  soon" [ $SECONDS -le 5 ]
  check "  without a complaint" [ ! -s complaints ]
}

# ---- A server ------------------------------------------------------------------------------------
start --no-open
check "it says its address, in one line" [ "$(wc -l <said)" = 1 ]
check "  which is this machine's" [ "${address%:*}" = http://127.0.0.1 ]
check "requests" python3 "$repository/tests/e2e/explore.py" "$build" "$port"
refuses "a port in use" 2 "explore: port $port cannot be had: Address already in use|a free one" "$explore" --no-open --port "$port"
ends "Ctrl-C ends it" INT
former=$port
start --no-open --port "$former"
check "a chosen port, right after another server had it" [ "$address" = "http://127.0.0.1:$former/" ]
ends "SIGTERM ends it" TERM

# ---- A browser -----------------------------------------------------------------------------------
mkdir bin
printf '#!/bin/sh\necho "$@" >%s/opened\n' "$work" >bin/xdg-open
chmod +x bin/xdg-open
opens() {  # ARG…: whether it opens a browser at its address
  rm -f opened
  PATH=$work/bin:$PATH start "$@"
  sleep 0.3
  kill $server
  wait $server || true
  grep -qxF "$address" opened
}
DISPLAY=:7 check "it opens a browser" opens
DISPLAY=:7 check "  unless told not to" not opens --no-open
DISPLAY='' WAYLAND_DISPLAY='' check "  or where there is no screen" not opens

# ---- Files, and wrong use ------------------------------------------------------------------------
if command -v dot >/dev/null; then
  succeeds "pages of all examples" "$explore" --write pages/all
  check "  are seven" [ "$(find pages/all -name '*.html' -size -1000k | wc -l)" = 7 ]
  check "  which may ask nobody" not grep -l "connect-src" pages/all/*
  check "  one of them is explain's" bash -c "'$build/explain' 'b = a + a; c = b + b; c' a=1 --html d.html && cmp d.html pages/all/diamond.html"
fi
touch file
refuses "a folder that is a file" 2 "file" "$explore" --write file/pages
refuses "a port that is none" 2 "--port" "$explore" --port 70000
refuses "an unknown option" 2 "bogus" "$explore" --bogus
succeeds "help" "$explore" --help
finish
