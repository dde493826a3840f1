#!/usr/bin/env bash
# The effects of the options of `seq2seq train` that show in the log, the folder and the weights.
. "$(dirname "$0")/checks.sh"

head -n 300 "$repository/data/english-french.tsv" >pairs.tsv
tiny=(--width 32 --hidden 32 --heads 2)
train=("$seq2seq" train pairs.tsv "${tiny[@]}")
small=("${train[@]}" --epochs 2)
same() { cmp "$1/weights.safetensors" "$2/weights.safetensors"; }  # MODEL MODEL
logged() { sed -n "s/.*\"$2\":\([^,}]*\).*/\1/p" "$1"; }            # LOG NAME: its values
near() { awk -v a="$1" -v b="$2" -v e="$3" 'BEGIN { exit !(a - b < e && b - a < e) }'; }

succeeds "train with a log" "${small[@]}" --output plain --log plain.log
steps=$(logged plain.log loss | wc -l)
check "  a line for each step and epoch" [ "$(wc -l <plain.log)" = $((steps + 2)) ]
check "  every one JSON" python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' \
  <plain.log
check "  in order" diff <(grep '"loss"' plain.log | sed 's/.*"step":\([0-9]*\).*/\1/') <(seq "$steps")
check "  the epochs' losses as printed" diff <(logged plain.log validation_loss |
  xargs printf '%.3f\n') <(awk '/^epoch/ { print $6 }' out)

# ---- Optimizers and schedules ----
for optimizer in sgd momentum nesterov adam adamw lion adafactor; do
  succeeds "--optimizer $optimizer" "${train[@]}" --epochs 5 --output optimizer --restart \
    --optimizer $optimizer
  check "  the loss falls" awk '/^epoch/ { l[++n] = $4 } END { exit !(l[n] < l[1]) }' out
done
refuses "a momentum for sgd" 1 'sgd|momentum' "${small[@]}" --output none --optimizer sgd --momentum 0.5
refuses "a weight decay for adam" 1 'adam|weight decay' "${small[@]}" --output none --weight-decay 0.1
succeeds "--weight-decay of its own" "${small[@]}" --output decay --optimizer adamw --weight-decay 0
check "  of 0 is Adam" same plain decay
succeeds "--beta1 as it is" "${small[@]}" --output beta --beta1 0.9 --beta2 0.999 --epsilon 1e-8
check "  changes nothing" same plain beta

schedule() {  # NAME RATES OPTION…: the rates of the 6 steps of a run, with --learning-rate 0.01
  local name=$1 expected=$2
  shift 2
  succeeds "--schedule $name $*" "${train[@]}" --batch 100 --epochs 2 --learning-rate 0.01 \
    --output schedule --restart --log schedule.log --schedule "$name" "$@"
  check "  its rates" diff <(logged schedule.log learning_rate | xargs printf '%.6f ') \
    <(printf '%.6f ' $expected)
  rm schedule.log
}
schedule constant "0.005 0.01 0.01 0.01 0.01 0.01" --warm-up 2
schedule linear "0.005 0.01 0.01 0.0075 0.005 0.0025" --warm-up 2
schedule linear "0.01 0.009 0.008 0.007 0.006 0.005" --rate-floor 0.4
schedule cosine "0.01 0.00933 0.0075 0.005 0.0025 0.00067"
schedule inverse-sqrt "0.005 0.01 0.0081650 0.0070711 0.0063246 0.0057735" --warm-up 2
schedule plateau "0.01 0.01 0.01 0.01 0.01 0.01"
succeeds "a falling schedule" "${small[@]}" --output falling --schedule cosine
refuses "  which more epochs would change" 1 '--resume|--epochs is 3, not 2' \
  "$seq2seq" train pairs.tsv --output falling --resume --epochs 3
for batch in "--batch 270" "--batch-tokens 9000"; do
  # shellcheck disable=SC2086
  refuses "a warm-up of more than all steps, $batch" 1 '--schedule linear|--warm-up of 100|--warm-up below 2, or more --epochs' \
    "${small[@]}" --output none --schedule linear --warm-up 100 $batch
done
check "  is found before the tables" not grep -q parameters <("${small[@]}" --output none --schedule linear --warm-up 100 2>/dev/null)
refuses "an option of plateau without it" 1 '--plateau-decay|--schedule plateau' \
  "${small[@]}" --output none --plateau-decay 0.1
refuses "plateau without validation" 1 'plateau|--validation' \
  "${small[@]}" --output none --schedule plateau --validation 0
# The loss soon gets worse at such a high rate, so it must fall.
succeeds "plateau with a rising loss" "${train[@]}" --epochs 12 --optimizer sgd --learning-rate 30 \
  --output plateau --log plateau.log --schedule plateau --plateau-patience 1 --plateau-decay 0.25
check "  the rate falls" [ "$(logged plateau.log learning_rate | tail -n 1)" != 30 ]

# ---- Batches ----
succeeds "--batch-tokens" "${small[@]}" --output tokens --log tokens.log --batch-tokens 200
check "  no batch has more" awk '$1 > 200 { exit 1 }' <(logged tokens.log tokens)
check "  more steps than before" [ "$(logged tokens.log loss | wc -l)" -gt "$steps" ]
refuses "  a sentence longer than that" 1 'tokens|5' "${small[@]}" --output none --batch-tokens 5
succeeds "--accumulate" "${small[@]}" --output parts --log parts.log --accumulate 4 --dropout 0
succeeds "  and in one part" "${small[@]}" --output whole --log whole.log --dropout 0
check "  the same losses, to rounding" \
  near "$(logged parts.log loss | tail -n 1)" "$(logged whole.log loss | tail -n 1)" 1e-4
succeeds "--clip 0" "${small[@]}" --output unclipped --clip 0
check "  other weights" not same plain unclipped
succeeds "--gradcheck-every" "${small[@]}" --output checked --gradcheck-every 2
check "  says that the gradients are right" grep -qE '^step 2  gradient ok, .* s$' out
check "  changes nothing" same plain checked
succeeds "  may change when a run is resumed" \
  "$seq2seq" train pairs.tsv --output checked --resume --gradcheck-every 5
refuses "--gradcheck-every -1" 2 '--gradcheck-every' "${small[@]}" --output none --gradcheck-every -1
succeeds "--smoothing" "${small[@]}" --output smooth --smoothing 0.1
check "  other weights" not same plain smooth

# ---- Averages, validation, the best ----
succeeds "--ema" "${small[@]}" --output average --log average.log --ema 0.9
check "  leaves the training alone" diff <(logged plain.log loss) <(logged average.log loss)
check "  other weights" not same plain average
check "  other validation" not diff -q <(logged plain.log validation_loss) <(logged average.log validation_loss)
succeeds "--validation-bleu" "${small[@]}" --output bleu --log bleu.log --validation-bleu
check "  in the log" [ "$(logged bleu.log validation_bleu | wc -l)" = 2 ]
check "  and printed" [ "$(grep -c '^epoch.* BLEU [0-9.]' out)" = 2 ]
check "  it changes nothing else" same plain bleu

sed 's/ .*\t/\t/; s/\t\([^ ]*\) .*/\t\1/' pairs.tsv | sort -u >single_words.tsv
succeeds "--best-by bleu where BLEU is 0" "$seq2seq" train single_words.tsv "${tiny[@]}" --epochs 8 \
  --output zero --log zero.log --best-by bleu --keep best --validation 0.1
check "  says so" grep -q 'validation BLEU was 0.*validation loss' out
"$seq2seq" train single_words.tsv "${tiny[@]}" --epochs 8 --output by_loss --keep best \
  --validation 0.1 >/dev/null
check "  which are the best by loss" same zero by_loss
stopping=(--epochs 500 --learning-rate 0.02 --patience 3)
succeeds "--patience" "${train[@]}" "${stopping[@]}" --output patient --log patient.log
losses=$(logged patient.log validation_loss)
check "  it ends early" [ "$(wc -l <<<"$losses")" -lt 500 ]
check "  after three without a new best" \
  [ "$(sort -g <<<"$losses" | head -n 1)" = "$(tail -n 4 <<<"$losses" | head -n 1)" ]
check "  the last weights are not the best" not cmp -s patient/weights.safetensors patient/best.safetensors
succeeds "--keep best" "${train[@]}" "${stopping[@]}" --output kept --keep best
check "  is the best" cmp kept/weights.safetensors kept/best.safetensors
check "  of the same run" cmp patient/best.safetensors kept/best.safetensors
refuses "patience without validation" 1 '--patience|--validation' \
  "${small[@]}" --output none --patience 3 --validation 0

# ---- Demands ----
refuses "--floor nan" 2 '--floor' "${small[@]}" --output none --floor nan
refuses "--floor 101" 2 '--floor' "${small[@]}" --output none --floor 101
refuses "--margin nan" 2 '--margin' "${small[@]}" --output none --margin nan
refuses "--floor without held-out pairs" 1 '--floor|--held-out' \
  "${small[@]}" --output none --held-out 0 --floor 50
refuses "--margin without held-out pairs" 1 '--margin|--held-out' \
  "${small[@]}" --output none --held-out 0 --margin 5
refuses "--margin of a toy task" 1 '--margin|--task copy' \
  "$seq2seq" train --task copy "${tiny[@]}" --output none --margin 5
below() {  # NAME PART OPTION…
  run "$seq2seq" train pairs.tsv "${tiny[@]}" --epochs 1 --restart --output demanded "${@:3}"
  check "$1" [ "$status-$(grep -cF -e "$2" err)" = 3-1 ]
}
below "BLEU below --floor" 'BLEU is below --floor 99' --floor 99 --margin 1
below "BLEU below --margin" "copying the nearest source's translation plus --margin 90" --floor 1 --margin 90

# ---- Text ----
cut -f 1 pairs.tsv >english
cut -f 2 pairs.tsv >french
paste <(seq 300) english <(seq 300) french >tatoeba.tsv
succeeds "--columns" "$seq2seq" train tatoeba.tsv --columns 2,4 "${tiny[@]}" --epochs 2 --output columns
check "  the same model as from two columns" same plain columns
sed '3s/^/\n\n/; 9s/^/no tab\n/' pairs.tsv >gaps.tsv
printf 'caf\xe9\tx\n\n \n' >>gaps.tsv
succeeds "--bad-lines skip" "$seq2seq" train gaps.tsv --bad-lines skip "${tiny[@]}" --epochs 2 --output gaps
check "  the same model as without them" same plain gaps
check "  says how many and what is wrong" grep -q '^4 lines left out.*gaps.tsv:3: the line is empty' out
succeeds "--task addition, with its own defaults" "$seq2seq" train --task addition --train-count 50 \
  --held-out-count 10 "${tiny[@]}" --epochs 1 --output sums
succeeds "  loads" "$seq2seq" translate sums "1 + 2"
succeeds "two files" "$seq2seq" train english french "${tiny[@]}" --epochs 2 --output two
check "  the same model as from one" same plain two
head -n 299 french >shorter
refuses "  of unequal length" 1 'english|shorter' \
  "$seq2seq" train english shorter "${tiny[@]}" --output none
refuses "three files" 2 'french' "$seq2seq" train english french french "${tiny[@]}" --output none
succeeds "--max-vocabulary" "${small[@]}" --output few --max-vocabulary 40
check "  40 words on each side" [ "$(cat few/*.vocabulary | wc -l)" = 80 ]
check "  the rates of unknown words are printed" [ "$(grep -c '^unknown.*%.*sources.*%.*targets' out)" = 2 ]
succeeds "--too-long skip" "${small[@]}" --output short --max-tokens 6 --too-long skip
check "  the number of skipped pairs is printed" grep -q '^[0-9]* pairs.* too long' out

subwords=("${small[@]}" --output pieces --tokenizer subwords --pieces 200 --min-frequency 1)
run "${subwords[@]}" </dev/null
if [ $status = 0 ]; then
  ok "--tokenizer subwords"
  trained=$(tail -n 1 out)
  check "  its model is kept" test -s pieces/subwords.model
  check "  no more pieces than asked for" [ "$(wc -l <pieces/target.vocabulary)" -le 204 ]
  succeeds "  evaluate" "$seq2seq" evaluate pieces
  check "  the figure of the training run" [ "$(tail -n 1 out)" = "$trained" ]
  check "  translate" "$seq2seq" translate pieces "Where is my red hat?"
  rm pieces/subwords.model
  refuses "  without its model" 1 'pieces/subwords.model' "$seq2seq" translate pieces "You can."
else
  refuses "--tokenizer subwords without the library" 1 'libsentencepiece-dev|build again' "${subwords[@]}"
fi
refuses "--pieces without subwords" 1 '--pieces|subwords' "${small[@]}" --output none --pieces 100

# ---- A configuration file ----
odd=("${small[@]}" --learning-rate 0.0012345678901 --validation-bleu --optimizer adamw)
succeeds "a run with numbers of many digits" "${odd[@]}" --output odd
succeeds "--config with its settings" \
  "$seq2seq" train pairs.tsv --config odd/settings.toml --output again
check "  the same weights" same odd again
check "  the same settings" cmp odd/settings.toml again/settings.toml
succeeds "  and another seed on the command line" \
  "$seq2seq" train pairs.tsv --config odd/settings.toml --output other --seed 2
check "  which wins" [ "$(diff odd/settings.toml other/settings.toml | grep -c '^[<>] seed=')" = 2 ]
printf '# mine\nepochs = 2\nwidth=32\nhidden=32\nheads=2\n' >mine.toml
succeeds "a hand-written file" "$seq2seq" train pairs.tsv --config mine.toml --output mine
check "  the same as on the command line" same plain mine
echo 'floor=100' >floor.toml
run "${small[@]}" --output floored --config floor.toml
check "  options that are not settings work, too" [ $status = 3 ]
echo 'log="file.log"' >wrong.toml
refuses "one that names a file to write" 1 'wrong.toml|--log|command line' \
  "${small[@]}" --output none --config wrong.toml
check "  which is not written" [ ! -e file.log ]
refuses "a missing one" 1 'missing.toml' "${small[@]}" --output none --config missing.toml
echo 'depth=3' >wrong.toml
refuses "one with an unknown option" 1 'wrong.toml|depth' "${small[@]}" --output none --config wrong.toml
echo 'epochs="many"' >wrong.toml
refuses "one with a wrong value" 1 'wrong.toml|epochs|many' \
  "${train[@]}" --output none --config wrong.toml
refuses "a log that is the file of pairs" 1 'pairs.tsv|also read' "${small[@]}" --output none --log pairs.tsv
refuses "pairs in the folder that is replaced" 1 'plain/held-out.tsv|another folder' \
  "$seq2seq" train plain/held-out.tsv --output plain --restart
check "  which stay" test -s plain/held-out.tsv
echo mine >notes
refuses "a log that is another file" 1 '--log|notes|metrics log|another file' \
  "${small[@]}" --output none --log notes --restart
check "  which is seen before any work" [ "$(cat notes)-$(wc -c <out)" = mine-0 ]
refuses "a log that is a folder" 1 'cannot write plain' "${small[@]}" --output none --log plain
refuses "a log on standard output" 1 '--log -|name of a file' "${small[@]}" --output none --log -
refuses "a log on a full device" 1 '/dev/full|No space' "${small[@]}" --output none --log /dev/full
check "what was refused wrote nothing" [ "$(echo none*)" = 'none*' ]
finish
