#!/usr/bin/env bash
# Ctrl-C during training: the program ends soon, with 130, and saves what was learned beside the former
# model, to be used or resumed.
. "$(dirname "$0")/checks.sh"

head -n 400 "$repository/data/english-french.tsv" >pairs.tsv
train=("$seq2seq" train pairs.tsv --output model --width 32 --hidden 32)
succeeds "a model" "${train[@]}" --epochs 1
cp -r model former
"${train[@]}" --restart --epochs 1000000 --seed 2 >out 2>err &
program=$!
for _ in {1..300}; do  # until it trains
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
check "it says where the model is and how to resume" grep -q -e '--resume.*model.partial' out
check "the former model is intact" diff -r former model
check "the model so far can be used" "$seq2seq" translate model.partial "You can."
check "  and evaluated" "$seq2seq" evaluate model.partial
refuses "a new run in its place" 1 'model.partial|--resume|--restart' "${train[@]}" --epochs 1
check "  which changes nothing" diff -r former model
rm -r model
refuses "without a former model its name alone" 1 'model|--resume|model.partial' \
  "$seq2seq" translate model "You can."
finish
