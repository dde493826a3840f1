#!/usr/bin/env bash
# translate: unknown words, alignments, attention, and several models that answer together. Python
# computes the same from the files.
. "$(dirname "$0")/checks.sh"

agree() { python3 "$repository/tests/e2e/decoding.py" "$@"; }

# A model of sentences with names, most of which no vocabulary has.
train=("$seq2seq" train --task names --min-length 3 --max-length 8 --train-count 2000 --held-out-count 40
  --batch 32 --dropout 0 --learning-rate 0.005 --records off)
blocks=(--hidden 48 --encoder-blocks 1 --norm pre)
trained() { check "train $1" "${train[@]}" --output "$@"; }
trained one --epochs 3 --width 32 --heads 2 "${blocks[@]}"
trained two --epochs 1 --width 24 --heads 3 "${blocks[@]}"
trained three --epochs 1 --width 24 --model gru-attention
trained blind --epochs 1 --width 16 --model gru
cut -f1 one/held-out.tsv | head -n 12 >sources.txt
translate() { "$seq2seq" translate "$@" --quiet <sources.txt; }

# ---- Attention, for every search and kind of model ----
for models in one three "one two three"; do
  for search in "" "--beam 3 --n-best 2" "--sample --n-best 2 --seed 4" "--max-length 3" "--prefix un"; do
    translate $models $search --attention json --alignments hard.txt >soft.json || true
    translate $models $search --attention table >table.txt || true
    translate $models $search --copy-unknown >copied.txt || true
    check "attention of $models $search" agree attention soft.json hard.txt table.txt copied.txt
  done
done
check "there were unknown words" grep -q '"<unk>"' soft.json
translate one two --attention json --prefix "suit un" --max-length 2 >both.json
translate one --attention json --prefix "suit un" --max-length 2 >one.json
translate two --attention json --prefix "suit un" --max-length 2 >two.json
check "the attention of two models is the mean of theirs" agree mean both.json one.json two.json
head=decoder.blocks.1.cross_attention
translate one --attention json --prefix "suit un" --max-length 2 --alignment-head $head:0 >two.json
translate one --attention json --prefix "suit un" --max-length 2 --alignment-head $head:1 >both.json
check "a head can be chosen, and the default is the mean of all" agree mean one.json two.json both.json
refuses "a head that is not there" 1 "--alignment-head: there is no head '$head:2'; the heads are decoder.blocks.0.cross_attention:0 to $head:1" \
  "$seq2seq" translate one a --attention json --alignment-head $head:2
refuses "--alignment-head without a use" 1 '--alignment-head|--alignments' "$seq2seq" translate one a --alignment-head $head:0
refuses "  of evaluate, which has fewer" 1 '--alignment-head has no effect without --copy-unknown' \
  "$seq2seq" evaluate one --alignment-head $head:0
check "    names no option that it lacks" not grep -q -e --attention err
check "a head of one member" bash -c \
  "'$seq2seq' translate one three --quiet a --attention json --alignment-head attention:0 | grep -q '\[\"members.1.attention:0\"\]'"
translate one >plain.txt
translate one --alignments hard.txt >answers.txt
check "--alignments leaves standard output as it is" cmp plain.txt answers.txt
printf 'a b\n\n\nb\n' | "$seq2seq" translate one --quiet --alignments hard.txt >answers.txt
check "  an empty line has an empty alignment" [ "$(grep -n '^$' hard.txt)" = "$(printf '2:\n3:')" ]
printf 'a b\n\n' | "$seq2seq" translate one --quiet --attention json >soft.json
check "  and an empty object" agree empty soft.json

# ---- Unknown words ----
check "answers have unknown words" grep -q '<unk>' plain.txt
for models in one "one three"; do
  for search in "" "--beam 3" "--sample"; do
    succeeds "--no-unknown $search, $models" translate $models $search --no-unknown
    check "  none is unknown" not grep -q '<unk>' out
  done
done
succeeds "evaluate --copy-unknown" "$seq2seq" evaluate one --copy-unknown --output evaluated.txt
cut -f1 one/held-out.tsv | "$seq2seq" translate one --quiet --copy-unknown >copied.txt
check "  is what translate answers" cmp evaluated.txt copied.txt
refuses "--copy-unknown with --no-unknown" 1 '--copy-unknown|--no-unknown' \
  "$seq2seq" translate one a --copy-unknown --no-unknown
for option in --copy-unknown "--alignments hard.txt" "--attention table"; do
  refuses "$option without attention" 1 "${option% *}|attention" "$seq2seq" translate blind a $option
done
refuses "--alignments where nothing can be written" 1 'nowhere/hard.txt' \
  "$seq2seq" translate one a --alignments nowhere/hard.txt
refuses "  or to standard output" 1 '--alignments -|name of a file' "$seq2seq" translate one a --alignments -
cp plain.txt input.txt
refuses "  or over the input" 1 "--alignments|'input.txt' is also read" \
  bash -c "'$seq2seq' translate one --alignments input.txt <input.txt"
check "  which is kept" cmp plain.txt input.txt
refuses "  or in place of the weights" 1 '--alignments|another place' \
  "$seq2seq" translate one a --alignments one/weights.safetensors
refuses "  or on a full disk" 1 '/dev/full: No space left' "$seq2seq" translate one a --quiet --alignments /dev/full
refuses "--attention in an unknown form" 2 '--attention' "$seq2seq" translate one a --attention picture

# ---- Ensembles ----
for models in one two three blind "one two three blind"; do
  "$seq2seq" score $models one/held-out.tsv --tokens --quiet >"scores of $models"
done
check "probabilities are the mean of those of four models" agree ensemble "scores of one two three blind" \
  "scores of one" "scores of two" "scores of three" "scores of blind"
check "a model with itself is that model" diff plain.txt <(translate one one/weights.safetensors one)
check "  the order of models does not matter" diff <(translate one two) <(translate two one)
check "evaluate" "$seq2seq" evaluate one two blind --json
check "  of models with the same held-out pairs: as of the file" \
  diff <("$seq2seq" evaluate one two --json) <("$seq2seq" evaluate one two one/held-out.tsv --json)
succeeds "a sentence behind two models" "$seq2seq" translate one two --quiet "a b" "b a"
check "  two answers" [ "$(wc -l <out)" = 2 ]

python3 -c "
import random
for i in range(40): print('\t'.join(2 * [''.join(random.Random(i).sample('abcdefgh', 8))]))" >letters.tsv
letters=("$seq2seq" train letters.tsv --epochs 1 --width 8 --hidden 8 --heads 2 --records off)
run "${letters[@]}" --tokenizer characters --output letters
run "${letters[@]}" --tokenizer characters --output seeded --seed 2
run "${letters[@]}" --tokenizer characters --output short --max-tokens 9
run "${letters[@]}" --source-tokenizer characters --target-tokenizer blanks --output mixed
succeeds "models of letters" "$seq2seq" translate letters seeded abcd --attention table
refuses "evaluate with other held-out pairs" 1 'seeded: held out other pairs than letters|file of pairs' \
  "$seq2seq" evaluate letters seeded
check "  but with a file" "$seq2seq" evaluate letters seeded letters.tsv
refuses "a line over the limit of one model" 1 'at most 9' "$seq2seq" translate letters short abcdefghabcdefgh --on-error stop
refuses "other vocabularies" 1 'letters: cannot answer together with one|--source-tokenizer is characters, not words' \
  "$seq2seq" translate one letters a
trained other --epochs 1 --width 16 --heads 2 "${blocks[@]}" --seed 2
refuses "  the first difference is named" 1 "other: cannot answer together with one: |vocabulary" \
  "$seq2seq" score one other one/held-out.tsv
trained copying --epochs 1 --width 16 --heads 2 "${blocks[@]}" --copy
refuses "a model that copies beside one that does not" 1 'copying: |it copies words' \
  "$seq2seq" translate one copying a
refuses "its pointer is not a head" 1 "no head 'pointer:0'; the heads are decoder.blocks.0.cross_attention:0 to $head:1" \
  "$seq2seq" translate copying a --attention json --alignment-head pointer:0
check "  beside itself" "$seq2seq" translate copying copying "zzyx voit qwrt" --attention json
refuses "--copy-unknown between letters and words" 1 '--copy-unknown|characters|blanks' \
  "$seq2seq" translate mixed abc --copy-unknown
mkdir models && cp -r one models/one
refuses "a model that is not there" 1 'models/tow: no such model' "$seq2seq" translate one models/tow
refuses "a model behind a sentence" 1 "'a b' is no model|'two'" "$seq2seq" translate one "a b" two
refuses "two files of pairs" 1 "'nowhere' is no model|one file" "$seq2seq" score one nowhere one/held-out.tsv
finish
