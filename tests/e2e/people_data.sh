#!/usr/bin/env bash
# What people bring: `look`, the tokenizers, splits in files, several targets of a source, and which
# epoch is the best.
. "$(dirname "$0")/checks.sh"

corpus=$repository/data/english-french.tsv
head -n 300 "$corpus" >pairs.tsv
train=("$seq2seq" train --width 16 --hidden 16 --heads 2 --records off)
short=("${train[@]}" --epochs 2)
json() { python3 -c "import json, sys; j = json.load(open('$1')); sys.exit(not ($2))"; }  # FILE CONDITION

# ---- look ----
succeeds "look" "$seq2seq" look pairs.tsv
check "  counts the pairs" grep -q '^300 pairs with 300 different sources; .* held-out pairs$' out
check "  compares tokenizers" [ "$(grep -cE '^(words|blanks|characters) .*%$' out)" = 6 ]
check "  advises" grep -q '^advice: .*: --min-frequency 1, or --' out
check "  trains nothing" [ "$(ls)" = "$(printf '%s\n' err out pairs.tsv)" ]
cp out text
succeeds "look at standard input" bash -c "'$seq2seq' look - <pairs.tsv"
check "  says the same" cmp out text
succeeds "look --json" "$seq2seq" look pairs.tsv --json
check "  is JSON" json out "j['pairs'] == j['train'] + j['validation'] + j['held_out'] == 300"
check "  with the advice" json out "'few-steps' in [a['rule'] for a in j['advice']]"
check "  the characters of the sources are nearly all known" \
  json out "j['tokenizers']['characters']['source']['unknown'] < 0.01"
"$seq2seq" look pairs.tsv --epochs 2 >text
succeeds "train" "${short[@]}" pairs.tsv --output model
check "  begins with the same" diff <(grep -E '^(unknown|tokens|300|advice)' text) \
  <(sed '/^epoch/q' out | grep -E '^(unknown|tokens|300|advice)')
check "  says how long an epoch takes and what remains" grep -qE '^epoch   1 .* s, [0-9.]+ (s|min) left$' out

printf 'a\tb\nno tab\nc d\te f\n\ng\t\xff\nno tab\ni\tj\n' >damaged.tsv
succeeds "look at a damaged file" "$seq2seq" look damaged.tsv --held-out 0 --validation 0 --max-tokens 1
check "  counts the reasons" grep -q '^  2: no tab; expected source, tab, target$' out
check "  names the first line" grep -q '^4 lines left out .*damaged.tsv:2: no tab' out
check "  and what to do" grep -q '^advice: damaged.tsv:2:.* --bad-lines skip$' out
check "  about a long pair, too" grep -q '^advice: 1 pair has .*--max-tokens 2 keeps all' out
printf 'a\tb\nc d\te\ng\th\nno tab\n' >one.tsv
run "$seq2seq" look one.tsv --held-out 0 --validation 0 --max-tokens 1 --too-long skip
check "one is not many" [ "$(grep -cE '^1 (pair left out as too long|line left out because it is not a pair: .*one.tsv:4)' out)" = 2 ]
refuses "look at nothing" 1 'file of pairs' "$seq2seq" look
refuses "look at a file that is not there" 1 'none.tsv' "$seq2seq" look none.tsv

# ---- Tokenizers ----
awk -F '\t' '{ n = split($1, c, ""); t = ""; for (i = 1; i <= n; ++i) if (c[i] != " ") t = t toupper(c[i]) (i % 2) " ";
  print $1 "\t" t }' pairs.tsv >phonemes.tsv
succeeds "--source-tokenizer, --target-tokenizer" "${short[@]}" phonemes.tsv --output phonemes \
  --source-tokenizer characters --target-tokenizer blanks
check "  letters on one side" grep -qx 'e' phonemes/source.vocabulary
check "  phonemes on the other, with their case" grep -qx 'E1' phonemes/target.vocabulary
succeeds "  the model is used with both" "$seq2seq" evaluate phonemes
check "  the targets keep their blanks" grep -q '^    [=→≠] [A-Z][01] ' out
refuses "--tokenizer beside both" 1 '--tokenizer|no effect' "${short[@]}" pairs.tsv --output none \
  --tokenizer words --source-tokenizer words --target-tokenizer words
refuses "--tie all with two tokenizers" 1 '--tie all|characters|words' "${short[@]}" pairs.tsv \
  --output none --tie all --source-tokenizer characters
# A model of an earlier version.
cp -r model old
sed -i '/min-frequency\|keep-epochs\|bleu-tokenizer\|-tokenizer=/d' old/settings.toml
echo 'min-frequency=2' >>old/settings.toml
check "a model without the new options loads" "$seq2seq" translate old "You can."
# Chinese: no blanks.
for i in $(seq 60); do printf '%s\t我在%s学%s习\n' "sentence $i" "$i" "$((i * 7))"; done >chinese.tsv
succeeds "look at a language without blanks" "$seq2seq" look chinese.tsv
check "  proposes characters" grep -q '^advice: 0.0% of the targets have a blank.*--target-tokenizer characters' out
succeeds "--bleu-tokenizer char" "${short[@]}" chinese.tsv --output chinese --target-tokenizer characters \
  --bleu-tokenizer char --validation 0.2 --validation-bleu
succeeds "  evaluate uses it" "$seq2seq" evaluate chinese
check "  and says so" grep -q '^BLEU .*tok:char' out
succeeds "  unless told otherwise" "$seq2seq" evaluate chinese --tokenize 13a
check "  that, too" grep -q '^BLEU .*tok:13a' out

# ---- Dates: a toy task of characters ----
dates=("${short[@]}" --task dates --train-count 300 --held-out-count 20)
succeeds "--task dates" "${dates[@]}" --output dates
check "  shows a date in two forms" grep -qE '^    [=→≠] [12][0-9]{3}-[01][0-9]-[0-3][0-9]$' out
check "  cuts it into characters" grep -qx 7 dates/source.vocabulary
succeeds "  the model reads a date" "$seq2seq" translate dates "3 May 1998"
succeeds "  another run takes its settings" "$seq2seq" train --config dates/settings.toml --epochs 1 --seed 2 --output others
refuses "  which has no length" 1 '--max-length|--task dates' "${dates[@]}" --max-length 8 --output none
refuses "  but fits into the limit" 1 '--max-tokens 28|29' "${dates[@]}" --max-tokens 28 --output none

# ---- Splits in files ----
sed -n 1,200p pairs.tsv >train.tsv
sed -n 191,230p pairs.tsv >valid.tsv
sed -n 231,300p pairs.tsv >test.tsv
splits=("${train[@]}" train.tsv --valid valid.tsv --test test.tsv)
succeeds "--valid and --test" "${splits[@]}" --epochs 2 --output given
check "  are the splits" grep -q '; 200 training, 40 validation and 70 held-out pairs$' out
check "  what they share is said" grep -q '^advice: 10 validation and 0 held-out pairs have a source' out
check "  the score is for the test file" grep -q '^BLEU .* on 70 sentences' out
refuses "  another file" 1 '--resume|held-out' "${train[@]}" train.tsv --valid valid.tsv --test valid.tsv \
  --output given --resume --epochs 3
refuses "--valid with --validation" 1 '--validation|--valid' "${splits[@]}" --output none --validation 0.1
echo 'test="test.tsv"' >named.toml
refuses "--test in a settings file" 1 'test|command line' "${short[@]}" train.tsv --output none \
  --config named.toml
refuses "a bad line in the test file" 1 'damaged.tsv:2' "${short[@]}" train.tsv --test damaged.tsv --output none
refuses "standard input twice" 1 'standard input' "${short[@]}" - --test - --output none
succeeds "pairs from standard input" bash -c "cat train.tsv | ${short[*]} - --valid valid.tsv --test test.tsv --output piped"
check "  give the same model" cmp piped/weights.safetensors given/weights.safetensors

# ---- Several targets of a source ----
"$seq2seq" translate model --min-length 1 <<<"You can." >answer
{ printf 'You can.\tzut\nYou can.\t'; cat answer; } >several.tsv
succeeds "evaluate" "$seq2seq" evaluate model several.tsv --min-length 1 --json
check "  each pair by itself" json out "j['sentences'] == 2 and j['sequence_accuracy'] == 50"
succeeds "evaluate --group-references" "$seq2seq" evaluate model several.tsv --min-length 1 --json \
  --group-references
check "  one sentence that is right" json out "j['sentences'] == 1 and j['sequence_accuracy'] == 100"
check "  in every metric" json out \
  "[j[m] for m in ('chrf', 'ter', 'book_bleu', 'wer', 'per')] == [100, 0, 1, 0, 0]"
check "  the signatures say so" json out \
  "all(j['notes'][m].startswith('nrefs:2|') for m in ('bleu', 'chrf', 'ter'))"
succeeds "evaluate standard input" bash -c "'$seq2seq' evaluate model - --json <several.tsv"

# ---- The best epoch ----
for figure in loss bleu chrf ter exact token-errors; do
  succeeds "--best-by $figure" "${short[@]}" pairs.tsv --output best --restart --best-by $figure \
    --keep best --validation 0.1
  check "  names the epoch" grep -qE "^the best validation $figure, .* of epoch [12]; its weights are the model's" out
done
check "the model that is replaced is named" grep -q 'replace the one in best' out
succeeds "--patience" "${train[@]}" pairs.tsv --output patient --epochs 60 --patience 2 --learning-rate 0.05
check "  says when it stopped" grep -q '^stopped after epoch [0-9]*: 2 epochs without a better validation loss' out
check "  and which epoch was the best" grep -q '^the best validation loss, .*best.safetensors' out
succeeds "--keep-epochs" "${train[@]}" pairs.tsv --output kept --epochs 4 --keep-epochs 2
check "  keeps the last ones" [ "$(cd kept && echo epoch-*)" = "epoch-3.safetensors epoch-4.safetensors" ]
check "  the last is the model" cmp <("$seq2seq" translate kept "You can.") \
  <("$seq2seq" translate kept/epoch-4.safetensors "You can.")
succeeds "  for average" "$seq2seq" average --output mean kept/epoch-3.safetensors kept/epoch-4.safetensors
succeeds "  which is a model" "$seq2seq" evaluate mean
succeeds "  more epochs" "${train[@]}" pairs.tsv --output kept --resume --epochs 5
check "  move on" [ "$(cd kept && echo epoch-*)" = "epoch-4.safetensors epoch-5.safetensors" ]
succeeds "  a new model" "${short[@]}" pairs.tsv --output kept --restart
check "  leaves none of them" [ "$(cd kept && echo epoch-*)" = "epoch-*" ]

finish
