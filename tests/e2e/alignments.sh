#!/usr/bin/env bash
# Training that is told more, or shown more: word alignments (--alignment), and subwords that are
# cut anew in each epoch (--subword-dropout).
. "$(dirname "$0")/checks.sh"

# Sentences back to front, with punctuation that the tokenizer cuts off, and their links.
awk 'BEGIN { srand(4)
  for (line = 0; line < 400; ++line) {
    n = 2 + int(rand() * 4); source = target = links = ""
    for (i = 0; i < n; ++i) {
      word = sprintf("w%c", 97 + int(rand() * 12))
      source = source (i ? " " : "") word; target = "v" word (i ? " " : "") target
      links = links (i ? " " : "") i "-" (n - 1 - i) }
    print source ".\t" target "!" >"pairs.tsv"
    print links >"links" } }'
train=("$seq2seq" train pairs.tsv --width 16 --dropout 0 --batch 32
  --learning-rate 0.01 --records off)
loss() { sed -n 's/^epoch .* alignment \([0-9.]*\) .*/\1/p' "$1" | tail -n 1; }

succeeds "--alignment" "${train[@]}" --epochs 4 --alignment links --alignment-weight 0.5 --log log --output guided
check "  reports its loss for each epoch" [ "$(grep -c '^epoch .* alignment [0-9]' out)" = 4 ]
check "  and in the log" [ "$(grep -c '"alignment_loss":' log)" = "$(wc -l <log)" ]
cp out guided.out
"${train[@]}" --epochs 4 --alignment links --alignment-weight 1e-9 --output barely >out
check "  the head learns it" awk -v with="$(loss guided.out)" -v without="$(loss out)" \
  'BEGIN { exit !(with < without / 2) }'
check "  the settings name no file" not grep -q links guided/settings.toml
"${train[@]}" --epochs 4 --output plain >/dev/null
check "  without it there is no such option" not grep -q alignment plain/settings.toml
succeeds "recurrent models, too" "${train[@]}" --epochs 1 --alignment links --model gru-attention --output gru
check "  have the loss" [ -n "$(loss out)" ]
for head in decoder.blocks.0.cross_attention:1 decoder.blocks.1.cross_attention:0; do
  succeeds "--alignment-head $head" "${train[@]}" --epochs 1 --alignment links --alignment-head $head --output "$head"
done

# Stopped in the middle of an epoch and resumed.
run "${train[@]}" --epochs 4 --alignment links --alignment-weight 0.5 --save-every 5 --gradcheck-every 17 --output stopped
check "a gradient check sees the whole loss" grep -q '^step 17  gradient ok' out
cp -r guided whole && rm -r stopped
"${train[@]}" --epochs 40 --alignment links --alignment-weight 0.5 --save-every 1 --output stopped >/dev/null &
program=$!
until [ -s stopped.partial/training.safetensors ]; do sleep 0.05; done
sleep 0.3; kill -INT $program; wait $program || true
refuses "--resume without the alignments" 1 '--resume|give the same --alignment' \
  "${train[@]}" --epochs 40 --output stopped --resume
sed '7s/.*/0-0/' links >changed
refuses "  with others" 1 '--resume|alignments have changed' \
  "$seq2seq" train pairs.tsv --alignment changed --output stopped --resume
succeeds "  with the same" "$seq2seq" train pairs.tsv --alignment links --output stopped --resume
"${train[@]}" --epochs 40 --alignment links --alignment-weight 0.5 --output whole --restart >/dev/null
check "  reaches the same weights" cmp {stopped,whole}/weights.safetensors

succeeds "another run takes its settings" "$seq2seq" train pairs.tsv --config guided/settings.toml --epochs 1 --output another
short=("${train[@]}" --epochs 1 --output refused)
refuses "alignments without pairs" 1 'a file of pairs or a --task' "$seq2seq" train --alignment links --output refused
head -n 399 links >few
refuses "too few lines" 1 'few has 399 lines|pairs.tsv has 400' "${short[@]}" --alignment few
sed '12s/.*/0-0 1:1/' links >malformed
refuses "not a link" 1 "malformed:12: '1:1' is not a link" "${short[@]}" --alignment malformed
for entry in 9-0 0-9; do
  sed "12s/.*/$entry/" links >outside
  refuses "a word that is not there: $entry" 1 "outside:12: link $entry|counted from 0" "${short[@]}" --alignment outside
done
refuses "no such head" 1 '--alignment-head|decoder.blocks.1.cross_attention:3' \
  "${short[@]}" --alignment links --alignment-head encoder.blocks.0.attention:0
refuses "a model without attention" 1 '--alignment|gru' "${short[@]}" --alignment links --model gru
refuses "no alignments to weigh" 1 '--alignment-weight|without --alignment' "${short[@]}" --alignment-weight 1
sed '1,20s/.*//' links >empty
succeeds "lines without links" "${train[@]}" --epochs 1 --alignment empty --output few_links

# ---- --subword-dropout ----
refuses "--subword-dropout without subwords" 1 '--subword-dropout|--tokenizer subwords' "${short[@]}" --subword-dropout 0.1
if ! "${train[@]}" --epochs 1 --tokenizer subwords --pieces 60 --output library >/dev/null 2>err; then
  check "subwords need the library" grep -q sentencepiece err
  finish
fi
dropping=("${train[@]}" --tokenizer subwords --pieces 60 --subword-dropout 0.3 --alignment links)
for algorithm in bpe unigram; do
  succeeds "--subword-dropout, $algorithm" "${dropping[@]}" --subword-model $algorithm --epochs 2 --output $algorithm
  "${dropping[@]}" --subword-model $algorithm --epochs 2 --threads 1 --save-every 3 --output again >/dev/null
  check "  the number of threads changes nothing" cmp {$algorithm,again}/weights.safetensors
  rm -r again
done
refuses "  with rare pieces unknown" 1 '--subword-dropout|--min-frequency' "${dropping[@]}" --min-frequency 2 --output refused
finish
