#!/usr/bin/env bash
# Ctrl-C while it trains: it ends soon, with 130, and what was learned is saved.
. "$(dirname "$0")/checks.sh"

head -n 400 "$repository/data/english-french.tsv" >pairs.tsv
"$seq2seq" train pairs.tsv --output model --width 32 --hidden 32 --epochs 1000000 >out 2>err &
program=$!
for _ in {1..300}; do  # until it is at it
  if grep -q '^epoch' out; then break; fi
  sleep 0.1
done
check "it trains" grep -q '^epoch' out
kill -INT $program
SECONDS=0
status=0
timeout 20 tail --pid=$program -f /dev/null || kill -KILL $program
wait $program || status=$?
check "it ends within 5 seconds" [ $SECONDS -le 5 ]
check "exit code 130" [ $status = 130 ]
check "nothing on standard error" [ ! -s err ]
check "it says where the model is" grep -q 'saved in model' out
check "no half-written folder" [ "$(echo model*)" = model ]
check "the model loads" "$seq2seq" translate model "You can."
check "it can be evaluated" "$seq2seq" evaluate model
finish
