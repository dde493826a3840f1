#!/usr/bin/env bash
# A model folder that someone else made, or that several programs use at once: its content makes no
# program read or write anything outside it, control a terminal, or take more memory than its
# weights need, and a program never mixes the files of two models.
. "$(dirname "$0")/checks.sh"

head -n 60 "$repository/data/english-french.tsv" >pairs.tsv
small=(--width 16 --hidden 16 --heads 2 --min-frequency 1)
train=("$seq2seq" train pairs.tsv "${small[@]}" --epochs 1)
succeeds "a model" "${train[@]}" --output good
model() { rm -rf bad && cp -r good bad; }
# Control characters, and those that change the direction of text, in UTF-8.
obeyed() { LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$1"; }
# NAME "PART|PART…" COMMAND…: is refused at once, within 2 GB
refused() {
  local name=$1 parts=$2
  shift 2
  refuses "$name" 1 "$parts" timeout 20 bash -c 'ulimit -v 2000000; exec "$@"' - "$@"
  check "  without control characters" not obeyed err
}
translate=("$seq2seq" translate bad "Read.")

# ---- What is not a file --------------------------------------------------------------------------
for file in settings.toml source.vocabulary target.vocabulary weights.safetensors; do
  model && rm bad/$file && mkfifo bad/$file
  refused "a pipe as $file" "bad/$file" "${translate[@]}"
  model && ln -sf /dev/zero bad/$file
  refused "a device as $file" "bad/$file" "${translate[@]}"
  model && rm bad/$file && mkdir bad/$file
  refused "a folder as $file" "bad/$file" "${translate[@]}"
done
model && rm bad/held-out.tsv && mkfifo bad/held-out.tsv
refused "a pipe as held-out.tsv" bad/held-out.tsv "$seq2seq" evaluate bad
model && truncate -s 1T bad/source.vocabulary
refused "a vocabulary without end" 'bad/source.vocabulary|limit' "${translate[@]}"
model && truncate -s 1T bad/weights.safetensors
refused "weights without end" 'bad/weights.safetensors|trailing' "${translate[@]}"

# ---- What asks for too much ----------------------------------------------------------------------
for setting in encoder-blocks=1000000000 decoder-blocks=10000 width=1000000000 hidden=900000000 \
  max-tokens=10000000; do
  model && sed -i "s/^${setting%=*}=.*/$setting/" bad/settings.toml
  refused "$setting" 'bad/' "${translate[@]}"
done
model && sed -i 's/^width=.*/width=1000000000/; s/^heads=.*/heads=1000000000/' bad/settings.toml
echo 'alignment-head="x"' >>bad/settings.toml
refused "a head among as many" "bad/|no head 'x'" "${translate[@]}"

# ---- What names other files ----------------------------------------------------------------------
model
for setting in 'log="stolen.log"' 'output="stolen"' 'config="pairs.tsv"' 'file="pairs.tsv"'; do
  cp good/settings.toml evil.toml && echo "$setting" >>evil.toml
  refused "$setting in a configuration" "evil.toml|${setting%%=*}" \
    "$seq2seq" train pairs.tsv --config evil.toml --output new
  check "  nothing is written" [ "$(echo new* stolen*)" = 'new* stolen*' ]
  cp evil.toml bad/settings.toml
  refused "  in the settings of a model" "bad/settings.toml|${setting%%=*}" "${translate[@]}"
done
echo mine >victim
for file in settings.toml weights.safetensors best.safetensors training.safetensors; do
  rm -rf stopped.partial && cp -r good stopped.partial && ln -sf "$work/victim" stopped.partial/$file
  for way in "" --resume --restart; do
    # shellcheck disable=SC2086
    refused "a link as $file of a stopped run, $way" "stopped.partial|$file|regular" \
      "${train[@]}" --output stopped $way
  done
  check "  its target is untouched" [ "$(cat victim)" = mine ]
done
rm -rf stopped.partial

# ---- Control characters --------------------------------------------------------------------------
escape=$'\x1b]0;title\x07'
model && sed -i "s/^tokenizer=.*/tokenizer=\"$escape\"/" bad/settings.toml
refused "an escape in the settings" 'bad/settings.toml|u001b' "${translate[@]}"
model && printf '%s\n%s\n' "$escape" "$escape" >>bad/target.vocabulary
refused "an escape in a vocabulary" 'bad/target.vocabulary|u001b|twice' "${translate[@]}"
model && LC_ALL=C sed -i 's/embedding/em\\u001b[1/' bad/weights.safetensors
refused "an escape in the name of a tensor" 'bad/weights.safetensors' "$seq2seq" inspect bad
cat >escapes.py <<'PYTHON'
import json, struct
header = json.dumps({"__metadata__": {"\x1b[31m": "\u009b31m\u202e"},
                     "\x1b[31m\u009b\u202e": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}})
with open("escapes.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header.encode() + b"\x00\x3c")
PYTHON
python3 escapes.py
succeeds "inspect names with escapes" "$seq2seq" inspect escapes.safetensors
check "  shows them escaped" grep -qF 'u001b[31m\u009b\u202e' out
check "  and nothing else" not obeyed out
check "  and reads halves" grep -qE ' F16 +\[1\] +1 +1 ' out

# ---- Files that belong together ------------------------------------------------------------------
tac pairs.tsv >backwards.tsv
succeeds "another model of the same size" "$seq2seq" train backwards.tsv "${small[@]}" --epochs 1 --output other \
  --seed 5
for file in source.vocabulary target.vocabulary held-out.tsv; do
  model && cp other/$file bad
  refused "$file of another model" "bad/" "$seq2seq" evaluate bad
done
model && sed -i 's/^heads=.*/heads=4/' bad/settings.toml
refused "other settings" 'bad/settings.toml|heads is 4, not 2' "${translate[@]}"

# A stopped run continues only with the same pairs: for training, for validation and held out.
"$seq2seq" train pairs.tsv "${small[@]}" --output run --epochs 100000 --held-out 0.2 --validation 0.2 >out 2>err &
program=$!
until grep -q '^epoch' out || ! kill -0 $program 2>/dev/null; do sleep 0.05; done
kill -KILL $program
wait $program 2>/dev/null || true
splits=
for line in $(seq 1 30); do
  sed "${line}s/\$/ !/" pairs.tsv >changed.tsv
  run timeout 20 "$seq2seq" train changed.tsv --output run --resume --epochs 100000
  [ $status = 1 ] || failed "a changed pair is refused" "line $line: exit code $status"
  splits+=$(grep -oE 'the (training|validation|held-out) pairs have changed' err || cat err)$'\n'
done
for split in training validation held-out; do
  check "changed $split pairs are named" grep -q "the $split pairs" <<<"$splits"
done
check "  and nothing else" [ "$(grep -vc 'pairs have changed' <<<"$splits")" = 1 ]
rm -rf run.partial

# ---- What is refused before training -------------------------------------------------------------
ln -s nowhere dangling
refused "--output: a link to nothing" '--output|dangling|link' "${train[@]}" --output dangling
model
for log in bad/log bad.partial/log; do
  refused "--log in the folder of the model" "--log|$log" "${train[@]}" --restart --output bad --log $log
done
echo -n 'my notes' >notes
refused "--log: a file that is not a log" 'notes|log' "${train[@]}" --output new --log notes
check "  it is left alone" [ "$(cat notes)" = 'my notes' ]

# ---- Permissions ---------------------------------------------------------------------------------
model && chmod 700 bad && chmod 600 bad/*
succeeds "a private model is trained again" "${train[@]}" --restart --output bad
check "  its folder stays private" [ "$(stat -c %a bad)" = 700 ]
check "  and so do its files" [ "$(stat -c %a bad/* | sort -u)" = 600 ]

# ---- Several runs at once ------------------------------------------------------------------------
# Each run waits for a random time between opening a folder and locking it.
cat >late.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
int flock(int file, int how) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  usleep((useconds_t)(now.tv_nsec / 1000 % 60000));
  int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
  return real(file, how);
}
C
late=(env LD_PRELOAD="$work/late.so")
if ! gcc -shared -fPIC -o late.so late.c -ldl 2>/dev/null || ! "${late[@]}" "$seq2seq" --version >out 2>&1; then
  echo "skipped: runs that lock late"
  finish
fi
same=0 mixed=0
for seed in 1 2 3 4; do "${train[@]}" --threads 1 --seed $seed --output "whole$seed" >out 2>err; done
one_of_them() {
  local seed
  for seed in 1 2 3 4; do diff -r "whole$seed" race >/dev/null && return; done
  return 1
}
for ((round = 0; round < ${ROUNDS:-15}; round++)); do
  for seed in 1 2 3 4; do
    { "${late[@]}" "${train[@]}" --threads 1 --seed $seed --restart --output race >"out$seed" 2>"err$seed" ||
      grep -q 'another run is using' "err$seed" || cp "err$seed" "wrong$round$seed"; } &
  done
  wait
  if [ -d race ]; then one_of_them && same=$((same + 1)) || mixed=$((mixed + 1)); fi
  rm -rf race/../race.partial
done
check "every round ends with the files of one run" [ "$mixed-$((same > 0))" = 0-1 ]
check "  each run succeeds or reports another run" [ "$(echo wrong*)" = 'wrong*' ]
finish
