#!/usr/bin/env bash
# Every kind of bad input gives one line that names it, an exit code, and nothing half-written: 2 for
# a command line that cannot be understood, 1 for everything else.
. "$(dirname "$0")/checks.sh"

head -n 400 "$repository/data/english-french.tsv" >pairs.tsv
tiny=(--width 32 --hidden 32)
small=("${tiny[@]}" --epochs 1)
train=("$seq2seq" train --output model "${tiny[@]}")
# For mistakes that must be found before the training, not after it.
endless=(timeout 5 "$seq2seq" train pairs.tsv "${tiny[@]}" --epochs 1000000)

# ---- The file of pairs ----
refuses "a missing file" 1 'missing.tsv|No such file' "${train[@]}" missing.tsv
refuses "a folder instead of a file" 1 'directory' "${train[@]}" "$work"
: >empty.tsv
refuses "an empty file" 1 'empty.tsv|is empty' "${train[@]}" empty.tsv
printf '\n\n' >blank_lines
refuses "alignments without a link" 1 'blank_lines: the file has only empty lines' \
  "${train[@]}" pairs.tsv --alignment blank_lines
printf 'Yes.\tOui.\nNo tab.\n' >untabbed.tsv
refuses "a line without a tab" 1 'untabbed.tsv:2:|tab' "${train[@]}" untabbed.tsv
printf 'Yes.\tOui.\nCoffee.\tCaf\xe9.\n' >latin1.tsv
refuses "bytes that are not UTF-8" 1 'latin1.tsv:2:|UTF-8' "${train[@]}" latin1.tsv
printf 'Yes.\tOui.\nNo.\t \n' >half.tsv
refuses "an empty side" 1 'half.tsv:2:|target|empty' "${train[@]}" half.tsv
printf 'Yes.\tOui.\n%s\tLong.\n' "$(printf 'long %.0s' {1..61})" >long.tsv
refuses "a sentence over the limit" 1 'long.tsv:2:|61|60|--max-tokens|--too-long skip' \
  "${train[@]}" long.tsv
printf 'Yes.\tOui.\n' >single.tsv
refuses "too few pairs to hold some out" 1 'single.tsv|--held-out' "${train[@]}" single.tsv
refuses "pairs where a file of sources is expected" 1 'pairs.tsv:1:|tab' \
  "${train[@]}" pairs.tsv pairs.tsv

printf 'Yes.\tOui.\n\nNo.\tNon.\n' >gap.tsv
refuses "an empty line" 1 'gap.tsv:2:|the line is empty' "${train[@]}" gap.tsv
printf '1\tYes.\t2\tOui.\n' >tatoeba.tsv
refuses "four columns" 1 'tatoeba.tsv:1:|4 columns|--columns 2,4' "${train[@]}" tatoeba.tsv
printf 'Yes.\tOui.\nNo.\t\xe2\x80\x8b\n' >invisible.tsv
refuses "a side that looks empty" 1 'invisible.tsv:2:|invisible' "${train[@]}" invisible.tsv
gzip <pairs.tsv >pairs.tsv.gz
refuses "a compressed file" 1 'pairs.tsv.gz|gunzip' "${train[@]}" pairs.tsv.gz
iconv -f UTF-8 -t UTF-16 pairs.tsv >utf16.tsv
refuses "UTF-16" 1 'utf16.tsv|UTF-16|iconv' "${train[@]}" utf16.tsv
printf 'Yes.\tOui.\nN\0o.\tNon.\n' >nul.tsv
refuses "a NUL byte" 1 'nul.tsv:2:2:|NUL' "${train[@]}" nul.tsv
yes $'Yes.\tOui.' 2>/dev/null | head -n 2000 >alike.tsv || true
refuses "one source, many times" 1 'alike.tsv|1 different source|2000 pairs|--held-out 0' \
  "${train[@]}" alike.tsv
printf 'Yes.\t\x1b[31mOui.\nNo\x1b[31m tab.\n' >escape.tsv
refuses "a line with terminal escapes" 1 'escape.tsv:2' "${train[@]}" escape.tsv
refuses "a file name with terminal escapes" 1 '\u001b' "${train[@]}" $'\e[31m.tsv'
check "  is shown without them" not grep -q $'\e' err

# ---- Options ----
refuses "an unknown option" 2 '--depth' "${train[@]}" pairs.tsv --depth 3
refuses "  that is nearly one" 2 'no option --widht|did you mean --width' \
  "${train[@]}" pairs.tsv --widht 32
refuses "  that begins one" 2 'did you mean --optimizer' "${train[@]}" pairs.tsv --optim adam
refuses "  of another command" 2 'no option --beams|did you mean --beam' \
  "$seq2seq" translate model --beams 4 hello
refuses "an option given twice" 2 '--width is given more than once' \
  "$seq2seq" train pairs.tsv --output model --width 32 --width 64
refuses "a subcommand that is nearly one" 2 'translat|did you mean translate' "$seq2seq" translat m
refuses "an unknown subcommand" 2 'learn' "$seq2seq" learn pairs.tsv
refuses "  after an option" 2 "no command 'learn'" "$seq2seq" --threads 1 learn pairs.tsv
refuses "no command" 2 'a command is required|train, translate' "$seq2seq"
refuses "an unknown short option" 2 'no option -w' "${train[@]}" pairs.tsv -w 3
refuses "an option without its value" 2 '--width needs a value' "${train[@]}" pairs.tsv --width
refuses "a task with too few strings" 1 '--task copy|--train-count|--symbols' \
  "${train[@]}" --task copy --symbols 2 --max-length 3
echo '{"step":1}' >earlier.log
refuses "a log of another run" 1 'earlier.log|--restart' "${train[@]}" pairs.tsv --log earlier.log
check "  is left alone" [ "$(cat earlier.log)" = '{"step":1}' ]
refuses "a word instead of a number" 2 '--epochs|many' "${train[@]}" pairs.tsv --epochs many
refuses "a number out of range" 2 '--dropout|1.5' "${train[@]}" pairs.tsv --dropout 1.5
refuses "a number too large" 2 '--max-tokens|from 1 to 1000000000' \
  "${train[@]}" pairs.tsv --max-tokens 1000000000000
for seed in -1 18446744073709551616 1.5 one; do
  refuses "an invalid seed, $seed" 2 '--seed|from 0 to 18446744073709551615' \
    "${train[@]}" pairs.tsv --seed $seed
done
refuses "no number" 2 '--learning-rate' "${train[@]}" pairs.tsv --learning-rate nan
refuses "a value not offered" 2 '--norm|side|post|pre' "${train[@]}" pairs.tsv --norm side
refuses "no --output" 2 '--output' "$seq2seq" train pairs.tsv
refuses "neither file nor task" 1 'pairs|--task' "${train[@]}"
refuses "file and task" 1 'pairs|--task' "${train[@]}" pairs.tsv --task copy
refuses "two files" 2 '--pairs' "${train[@]}" pairs.tsv --pairs empty.tsv
refuses "heads that do not divide the width" 1 '--heads|5|32' \
  "${train[@]}" pairs.tsv --heads 5
refuses "an option of another model" 1 '--heads|--model gru' \
  "$seq2seq" train pairs.tsv --output model --model gru --heads 2
refuses "  the other way round" 1 '--layers|--model transformer' \
  "${train[@]}" pairs.tsv --layers 3
refuses "an option of a task without one" 1 '--symbols|--task' "${train[@]}" pairs.tsv --symbols 9
for ignored in "--batch 64|--batch-tokens 500" "--rate-floor 0.1|--schedule constant" \
  "--rate-floor 0.1|--schedule inverse-sqrt" "--held-out 0.2|--task copy" "--columns 2,1|--task copy" \
  "--too-long skip|--task copy" "--bad-lines skip|--task copy" "--tokenizer characters|--task copy" \
  "--kernel 5|--positions sinusoidal" "--max-distance 4|--positions rotary" \
  "--relative keys|--positions rotary" "--position-width 8|--position-mode add"; do
  read -ra options <<<"${ignored/|/ }"
  file=pairs.tsv
  if [[ $ignored = *--task* ]]; then file=; fi
  # shellcheck disable=SC2086  # no file with a task
  refuses "${ignored/|/ with }" 1 "${options[0]} has no effect" "${train[@]}" $file "${options[@]}"
done
refuses "a model that no memory holds" 1 'out of memory|--batch|--width' \
  "$seq2seq" train pairs.tsv --output model --width 512 --hidden 1000000000
refuses "a batch too small for a sentence" 1 '--batch-tokens|the longest sentence' \
  "${train[@]}" pairs.tsv --batch-tokens 4
if grep -q sentencepiece <(ldd "$seq2seq"); then
  refuses "too few pieces" 1 '--pieces|5 pieces|the text needs' \
    "${train[@]}" pairs.tsv --tokenizer subwords --pieces 5
fi
check "nothing written so far" not test -e model

# ---- --output ----
echo mine >file
mkdir other && echo mine >other/file
refuses "--output is a file" 1 "--output|file" "${endless[@]}" --output file
refuses "--output lies in a file" 1 "--output|file/model" "${endless[@]}" --output file/model
refuses "--output is empty" 1 "--output" "${endless[@]}" --output ""
check "  the file is untouched" [ "$(cat file)" = mine ]
refuses "--output holds other files" 1 "--output|other" "${endless[@]}" --output other
check "  they are untouched" [ "$(ls other)-$(cat other/file)" = file-mine ]
"$seq2seq" train pairs.tsv --output noted "${small[@]}" >/dev/null && echo mine >noted/notes.txt
run "$seq2seq" train pairs.tsv --output noted "${small[@]}" </dev/null
check "a note beside the model survives the next training" [ "$(cat noted/notes.txt)" = mine ]
mkdir beside.partial && echo mine >beside.partial/file
run "$seq2seq" train pairs.tsv --output beside "${small[@]}" </dev/null
check "so does a folder named like a temporary one" [ "$(cat beside.partial/file)" = mine ]
succeeds "--output with a slash at its end" "$seq2seq" train pairs.tsv --output slash/ "${small[@]}"
check "  the model is there" test -f slash/weights.safetensors
check "  and nothing beside it" [ "$(echo slash*)-$(ls slash | wc -l)" = slash-8 ]
mkdir elsewhere && ln -s elsewhere link
succeeds "--output is a link to a folder" "$seq2seq" train pairs.tsv --output link "${small[@]}"
check "  it stays one" test -L link

# ---- Folders that are not models ----
model() { rm -rf bad && cp -r good bad; }
"$seq2seq" train pairs.tsv --output good "${small[@]}" >/dev/null
head -n 200 pairs.tsv >fewer.tsv
"$seq2seq" train fewer.tsv --output fewer "${small[@]}" >/dev/null
translate=("$seq2seq" translate bad "You can.")
succeeds "the model they are made from" "$seq2seq" translate good "You can."
refuses "translate: no such folder" 1 'nowhere' "$seq2seq" translate nowhere hello
refuses "translate: no such file" 1 'good/epoch-9.safetensors: no such file of weights' \
  "$seq2seq" translate good/epoch-9.safetensors hello
refuses "translate: a file" 1 'file' "$seq2seq" translate file hello
refuses "translate: a folder that is not a model" 1 'other' "$seq2seq" translate other hello
model && head -c 10000 good/weights.safetensors >bad/weights.safetensors
refuses "weights cut short" 1 'bad/weights.safetensors' "${translate[@]}"
model && echo 'no weights' >bad/weights.safetensors
refuses "a text file as weights" 1 'bad/weights.safetensors' "${translate[@]}"
model && printf '\x00\x00\xc0\x7f' | dd of=bad/weights.safetensors conv=notrunc bs=1 status=none \
  seek=$(($(stat -c %s good/weights.safetensors) - 4))
refuses "weights with wrong bytes" 1 'bad/weights.safetensors|damaged' "${translate[@]}"
without_checksum bad/weights.safetensors
refuses "weights with a NaN" 1 'bad/weights.safetensors|NaN' "${translate[@]}"
model && rm bad/weights.safetensors
refuses "no weights" 1 'bad/weights.safetensors' "${translate[@]}"
model && cp fewer/weights.safetensors bad
refuses "another model's weights" 1 'bad/weights.safetensors' "${translate[@]}"
model && rm bad/source.vocabulary
refuses "no vocabulary" 1 'bad/source.vocabulary' "${translate[@]}"
model && cp fewer/target.vocabulary bad
refuses "another model's vocabulary" 1 'bad/' "${translate[@]}"
model && echo 'depth=3' >>bad/settings.toml
refuses "an unknown setting" 1 'bad/settings.toml|depth' "${translate[@]}"
model && sed -i 's/^width=.*/width=-3/' bad/settings.toml
refuses "a wrong setting" 1 'bad/settings.toml|width' "${translate[@]}"
model && sed -i 's/^heads=.*/heads=5/' bad/settings.toml
refuses "contradictory settings" 1 'bad/settings.toml|heads' "${translate[@]}"
model && : >bad/settings.toml
refuses "empty settings" 1 'bad/settings.toml' "${translate[@]}"
model && rm bad/held-out.tsv
refuses "evaluate: no held-out pairs" 1 'cannot read|bad/held-out.tsv' "$seq2seq" evaluate bad
refuses "evaluate: a missing file" 1 'missing.tsv' "$seq2seq" evaluate good missing.tsv
refuses "evaluate: a line without a tab" 1 'untabbed.tsv:2:' "$seq2seq" evaluate good untabbed.tsv

refuses "evaluate: translations that cannot be written" 1 'nowhere/lines' \
  "$seq2seq" evaluate good --output nowhere/lines
check "  which is said before the work" [ ! -s out ]

# ---- Sentences ----
long=$(printf 'you %.0s' {1..61})
refuses "a sentence that is too long" 1 '61|60' "$seq2seq" translate good "$long"
refuses "  in standard input" 1 'standard input|line 2|61' \
  bash -c 'printf "You can.\n%s\n" "$1" | "$0" translate good' "$seq2seq" "$long"
refuses "an invalid seed of translate" 2 '--seed' \
  "$seq2seq" translate good --sample --seed -1 hello
refuses "a sentence that is not UTF-8" 1 'sentence 1: column 4: not UTF-8 (byte 0xE9)|iconv' \
  "$seq2seq" translate good $'caf\xe9'
refuses "  score: a pair" 1 'latin1.tsv:2: column 12: not UTF-8 (byte 0xE9)|iconv' \
  "$seq2seq" score good --quiet latin1.tsv

# ---- Disks ----
full() { (ulimit -f 20 && trap '' XFSZ && "$@"); }  # no file beyond 20 kB
to_full_disk() { "$@" >/dev/full; }
cp -r good former
refuses "a full disk" 1 'former' \
  full "$seq2seq" train pairs.tsv --output former "${small[@]}" --seed 2 --restart
check "  the former model is untouched" diff -r good former
check "  and nothing beside it" [ "$(echo former*)" = former ]
refuses "a full disk, no former model" 1 'fresh' \
  full "$seq2seq" train pairs.tsv --output fresh "${small[@]}"
check "  nothing is left" [ "$(echo fresh*)" = 'fresh*' ]
for program in 01_derivative 06_own_operation "selfcheck cumsum"; do
  # shellcheck disable=SC2086  # with its arguments
  refuses "a full disk, $program" 1 'standard output' to_full_disk "$build"/$program
done
refuses "a full disk, explain" 2 'standard output' to_full_disk "$build/explain" x^2 x=1
if [ "$(id -u)" != 0 ]; then
  mkdir locked && chmod a-w locked
  refuses "a folder that may not be written" 1 'locked' "${endless[@]}" --output locked/model
fi
finish
