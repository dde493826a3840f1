#!/usr/bin/env bash
# seq2seq as a user runs it: train, translate, evaluate.
. "$(dirname "$0")/checks.sh"

head -n 400 "$repository/data/english-french.tsv" >pairs.tsv
tiny=(--width 32 --hidden 32 --heads 2)
small=("${tiny[@]}" --epochs 2)
head -n 50 pairs.tsv >fifty.tsv

# ---- Version and help ----
succeeds "--version" "$seq2seq" --version
check "  names the program and its BLAS" grep -q '^adjoint.*OpenBLAS' out
succeeds "--help" "$seq2seq" --help
for word in train translate evaluate; do check "  names $word" grep -qw $word out; done
succeeds "train --help" "$seq2seq" train --help
check "  names --output" grep -q -e '--output FOLDER' out

# ---- Training ----
succeeds "train" "$seq2seq" --threads 1 train pairs.tsv --output model "${small[@]}"
check "  a line for each epoch" [ "$(grep -c '^epoch' out)" = 2 ]
check "  the loss falls" awk '/^epoch/ { loss[$2] = $4 } END { exit !(loss[2] < loss[1]) }' out
check "  no terminal, no progress line" not grep -q $'\r' out
check "  BLEU at the end" grep -q '^BLEU [0-9.]* on [0-9]* sentences' out
trained=$(tail -n 1 out)
all="best.safetensors held-out.tsv records.jsonl settings.toml source.vocabulary target.vocabulary"
all+=" training.safetensors weights.safetensors"
check "  the files of a model" [ "$(ls model | paste -sd' ')" = "$all" ]
check "  nothing beside them" [ "$(echo model*)" = model ]

succeeds "train with 2 threads" "$seq2seq" --threads 2 train pairs.tsv --output again "${small[@]}"
check "  the same weights, byte for byte" cmp model/weights.safetensors again/weights.safetensors
refuses "train onto a model" 1 'again|--restart|--resume' \
  "$seq2seq" train pairs.tsv --output again "${small[@]}" --seed 2
check "  leaves it alone" diff -r --exclude=training.safetensors model again
succeeds "train with another seed" \
  "$seq2seq" train pairs.tsv --output again "${small[@]}" --seed 2 --restart
check "  replaces the model, other weights" \
  not cmp -s model/weights.safetensors again/weights.safetensors
check "  leaves nothing else" [ "$(echo again*)" = again ]
succeeds "--threads after the subcommand" \
  "$seq2seq" train pairs.tsv --threads 2 --output threads "${tiny[@]}" --epochs 1

# ---- Other models ----
for model in gru lstm gru-attention lstm-attention; do
  succeeds "train a $model" "$seq2seq" train fifty.tsv --model $model --output recurrent \
    --restart --width 32 --layers 1 --epochs 1
  grep -o '[0-9]* parameters' out >>parameters
  check "  translates" "$seq2seq" translate recurrent "You can."
done
check "  each of another size" [ "$(sort -u parameters | wc -l)" = 4 ]

# ---- Translating ----
succeeds "translate two arguments" "$seq2seq" translate model "I can not." "You can."
check "  two lines" [ "$(wc -l <out)" = 2 ]
check "  neither empty" [ "$(grep -c . out)" = 2 ]
cp out from_arguments
run "$seq2seq" translate model < <(printf 'I can not.\nYou can.')
check "translate standard input: exit code 0" [ $status = 0 ]
check "  the same" cmp from_arguments out
run "$seq2seq" translate model < <(printf 'You can.\n\nYou can.\r\n')
check "  an empty line gives an empty line" [ "$(sed -n 2p out)-$(wc -l <out)" = "-3" ]
check "  a carriage return changes nothing" [ "$(sed -n 1p out)" = "$(sed -n 3p out)" ]

mkfifo to from
"$seq2seq" translate model <to >from 2>/dev/null &
program=$!
exec 3>to 4<from
(echo "You can." >&3) || true
answer=
read -r -t 10 answer <&4 || true  # before the input ends
check "  each line is answered as it arrives" test -n "$answer"
check "  and is its translation" [ "$answer" = "$(sed -n 2p from_arguments)" ]
exec 3>&-
exec 4<&-
status=0
wait $program || status=$?
check "  end of input ends it" [ $status = 0 ]

run "$seq2seq" translate model "You can zorble." </dev/null
check "an unknown word: translated" [ "$status-$(wc -l <out)" = 0-1 ]
check "  reported in one line" [ "$(wc -l <err)-$(grep -c "'zorble'" err)" = 1-1 ]

# ---- Evaluating ----
succeeds "evaluate" "$seq2seq" evaluate model
check "  the figure of the training run" [ "$(tail -n 1 out)" = "$trained" ]
check "  on all held-out pairs" grep -q " on $(wc -l <model/held-out.tsv) " out
succeeds "evaluate on a file" "$seq2seq" evaluate model fifty.tsv
check "  on all of its pairs" grep -q '^BLEU [0-9.]* on 50 ' out
check "  which are not called held out" not grep -q 'held-out' out

# ---- Anomalies ----
overflowing=(train pairs.tsv --output overflow "${tiny[@]}" --epochs 1 --learning-rate 1e30)
run "$seq2seq" train pairs.tsv --output diverged "${tiny[@]}" --epochs 2 \
  --learning-rate 100 </dev/null
check "a loss that has diverged: exit code 4" [ $status = 4 ]
check "  reported in one line, with the remedy" \
  grep -q 'diverged: the loss is [0-9].*--learning-rate' err
check "  the model is saved" test -f diverged/weights.safetensors
refuses "a learning rate that is far too large" 1 'NaN|--detect-anomaly' "$seq2seq" "${overflowing[@]}"
run "$seq2seq" "${overflowing[@]}" --detect-anomaly </dev/null
check "--detect-anomaly: exit code 1" [ $status = 1 ]
check "  one report" [ "$(grep -c '^seq2seq: anomaly: ' err)-$(grep -vc '^  ' err)" = 1-1 ]
check "  names operation, value, module" grep -qzE 'value is (-?inf|NaN) at .*in (en|de)coder\.' err
check "  describes each operand" grep -q "input 1 ('.*weight').*min .*, max .*; zeros" err
check "  nothing is saved" [ "$(echo overflow*)" = 'overflow*' ]
succeeds "a healthy run under --detect-anomaly" \
  "$seq2seq" train pairs.tsv --output watched "${small[@]}" --detect-anomaly
check "  the same weights" cmp model/weights.safetensors watched/weights.safetensors

# ---- Exit code 3, other data ----
refuses "a floor that is missed" 3 'floor|99' \
  "$seq2seq" train pairs.tsv --output floor "${tiny[@]}" --epochs 1 --floor 99
check "  the model is saved" test -f floor/weights.safetensors
succeeds "train on everything" \
  "$seq2seq" train fifty.tsv --output all "${small[@]}" --held-out 0 --validation 0
check "  translates" "$seq2seq" translate all "Open your book and read."
printf '\xef\xbb\xbf' >attributed.tsv
sed $'s/$/\tsomebody\r/' pairs.tsv >>attributed.tsv
succeeds "three columns, CRLF, byte order mark" \
  "$seq2seq" train attributed.tsv --output attributed "${small[@]}"
check "  the same model" cmp model/weights.safetensors attributed/weights.safetensors
succeeds "characters" \
  "$seq2seq" train fifty.tsv --output letters "${small[@]}" --tokenizer characters
check "  translate" "$seq2seq" translate letters "Read."
cp fifty.tsv "it's a \"file\" #1.tsv"
succeeds "a file name with quotes" \
  "$seq2seq" train "it's a \"file\" #1.tsv" --output quoted "${tiny[@]}" --epochs 1
check "  the model loads" "$seq2seq" translate quoted "I read."

reverse=(--task reverse --symbols 8 --max-length 4 --train-count 1500 --held-out-count 100
  --batch 32 --dropout 0 --learning-rate 0.003 --epochs 8)
succeeds "the task reverse" \
  "$seq2seq" train "${reverse[@]}" --width 32 --hidden 32 --output reverse --floor 80
grep '^BLEU' out | sed 's/^/        /'
finish
