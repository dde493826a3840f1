#!/usr/bin/env bash
# The benchmarks run and say what they promise, on the smallest model and for a moment.
. "$(dirname "$0")/checks.sh"

# keys "NAME NAME…": every line of the file out is JSON with these names, in this order
keys() {
  python3 - "$1" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open("out")]
assert lines and all(list(line) == sys.argv[1].split() for line in lines), lines
PYTHON
}
step_keys="config threads median_ms min_ms peak_mb target_tokens_per_s"

for arguments in "--threads 1" "--threads 2 --packed" "--threads 2 --composed" "--threads 2 --recomputed"; do
  # shellcheck disable=SC2086  # several arguments in one string
  succeeds "bench-step $arguments" "$build/bench-step" --config micro --seconds 0 $arguments
  check "… prints one line" [ "$(wc -l <out)" = 1 ]
  check "… of JSON" keys "$step_keys"
done
succeeds "bench-step --profile" "$build/bench-step" --config micro --seconds 0 --profile
check "… tells each operation's part" grep -q '"operation": "attention", "forwards": 12' out
succeeds "bench-floor" "$build/bench-floor" --config micro --seconds 0
check "… prints JSON" keys "config median_ms min_ms calls gflop gflop_per_s"
succeeds "bench-decode" "$build/bench-decode" --config micro --batch 3 --seconds 0
check "… prints JSON" keys \
  "config batch threads median_ms min_ms peak_mb tokens_per_s best_tokens_per_s"

succeeds "bench-ops" "$build/bench-ops" --seconds 0
check "… tells chains and operations" [ "$(grep -c '"chain": \|"operation": ' out)" -gt 50 ]

refuses "another configuration" 2 'bench-step|--config|huge' "$build/bench-step" --config huge
refuses "an option of another program" 2 'bench-floor|--packed' "$build/bench-floor" --packed
refuses "heads that do not fit" 1 'bench-step|heads' "$build/bench-step" --width 33 --seconds 0

report() { python3 "$repository/tests/benchmarks/report.py" "$build" --seconds 0 --rounds 1 "$@"; }
succeeds "the report" report --configs micro --tables "steps profile packing composed recomputed decoding start"
check "… has a line for each number of threads" [ "$(grep -c '^| micro |       [12] |' out)" = 2 ]
finish
