#!/usr/bin/env bash
# A model that copies writes names that it has never seen, through every command; one that does not
# copy cannot. Options of models that came later.
. "$(dirname "$0")/checks.sh"

names=("$seq2seq" train --task names --min-length 4 --max-length 8 --train-count 6000
  --held-out-count 200 --width 48 --hidden 96 --heads 2 --encoder-blocks 1 --decoder-blocks 1 --dropout 0
  --norm pre --batch 32 --schedule linear --learning-rate 0.004 --warm-up 50)
exact() { sed -n 's/.* sentences, \(.*\)% of them exact.*/\1/p' "$1"; }

succeeds "train a model that copies" "${names[@]}" --epochs 3 --copy --output copying
check "  99% of the held-out sentences are right" awk -v e="$(exact out)" 'BEGIN { exit !(e >= 99) }'
check "  and saves the option" grep -q '^copy=true$' copying/settings.toml
succeeds "train one that does not" "${names[@]}" --epochs 1 --output plain
check "  fewer than half are" awk -v e="$(exact out)" 'BEGIN { exit !(e < 50) }'
check "  and writes no option" not grep -q copy plain/settings.toml

sentence="zzyx is seen by qwrt"
succeeds "translate two names" "$seq2seq" translate copying "$sentence"
check "  both are there, in the other order" grep -qx "qwrt voit zzyx" out
succeeds "  with the model that does not copy" "$seq2seq" translate plain "$sentence" --quiet
check "  neither is" not grep -q "zzyx\|qwrt" out
for search in "--beam 4" "--beam 3 --n-best 2" "--sample --top-k 1" "--prefix qwrt"; do
  succeeds "translate $search" "$seq2seq" translate copying "$sentence" $search
  check "  the names" grep -q "qwrt voit zzyx" out
done
refuses "a prefix with a name that the sentence lacks" 1 '--prefix|abcd' \
  "$seq2seq" translate copying "$sentence" --prefix abcd
printf '%s\t%s\n' "$sentence" "qwrt voit zzyx" "$sentence" "qwrt voit abcd" >pairs.tsv
run "$seq2seq" score copying pairs.tsv
check "score: the right name is likely, another is not" \
  awk 'NR == 1 { right = $1 } END { exit !(right > -1 && $1 < right - 2) }' out
check "  and only that one is unknown" [ "$(grep -c 'does not know' err)" = 1 ]
succeeds "evaluate" "$seq2seq" evaluate copying --json
check "  sees the names as right tokens" \
  python3 -c 'import json; assert json.load(open("out"))["token_accuracy"] > 99'
succeeds "inspect" "$seq2seq" inspect copying
check "  shows the pointer" grep -q '^pointer\.gate\.weight ' out

refuses "--copy without attention" 1 '--copy|gru' \
  "$seq2seq" train --task names --copy --model gru --output none
refuses "--copy with label smoothing" 1 '--smoothing|--copy' \
  "${names[@]}" --copy --smoothing 0.1 --output none
head -n 200 "$repository/data/english-french.tsv" >some.tsv
small=("$seq2seq" train some.tsv --epochs 1)
succeeds "a recurrent model that copies and reads in both directions" \
  "${small[@]}" --width 16 --model gru-attention --copy --bidirectional --output recurrent
succeeds "  translates" "$seq2seq" translate recurrent "You can."
refuses "--bidirectional with an odd width" 1 '--bidirectional|--width 15' \
  "${small[@]}" --model lstm --bidirectional --width 15 --output none
refuses "--bidirectional for a Transformer" 1 '--bidirectional|transformer' \
  "${small[@]}" --bidirectional --output none
tiny=(--width 16 --hidden 16 --heads 2)
succeeds "--scheduled-sampling" \
  "${small[@]}" "${tiny[@]}" --scheduled-sampling 0.3 --output sampled
succeeds "  and without" "${small[@]}" "${tiny[@]}" --output not-sampled
check "  gives other weights" not cmp sampled/weights.safetensors not-sampled/weights.safetensors
finish
