#!/usr/bin/env bash
# A training run that is stopped in any way and resumed reaches the same weights and the same log, bit
# for bit, as one that never was; a former model stays in place until the run is complete.
# KILLS=50 bash tests/e2e/resume.sh build     kills it at 50 random moments instead of 8
. "$(dirname "$0")/checks.sh"
trap 'umount "$work/disk" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT

head -n 300 "$repository/data/english-french.tsv" >pairs.tsv
# Something of everything that a run must save, and a learning rate of more than six digits.
settings=(--width 32 --hidden 32 --heads 2 --batch-tokens 300 --accumulate 2
  --learning-rate 0.0031415926535 --schedule plateau --plateau-patience 1 --warm-up 5 --ema 0.9
  --smoothing 0.1 --scheduled-sampling 0.2 --best-by bleu --save-every 3)
train=("$seq2seq" train pairs.tsv)
whole=("${train[@]}" "${settings[@]}" --epochs 8)

succeeds "a run that is not stopped" "${whole[@]}" --output whole --log whole.log
succeeds "another model" "${train[@]}" --output former --width 16 --hidden 16 --epochs 1
files=$(ls whole | paste -sd' ')

timeless() { sed 's/,"seconds":[^}]*//' "$1"; }
same_run() {  # FOLDER LOG: identical to the run that was not stopped
  [ "$(ls "$1" | paste -sd' ')" = "$files" ] && diff -r whole "$1" &&
    cmp <(timeless whole.log) <(timeless "$2")
}
stopped() { test -e "$1.partial/training.safetensors"; }
untouched() {  # the former model, or just after the exchange the new one
  diff -r --exclude training.safetensors former run >/dev/null || diff -r whole run >/dev/null
}
usable() { untouched && "$seq2seq" translate run.partial "You can." >/dev/null; }
ended() {  # leaves the exit code in $status
  status=0
  wait $program 2>/dev/null || status=$?
}
# Some fall before the first state is saved, some after the run has ended.
random_moment() { sleep "$(awk -v r=$RANDOM 'BEGIN { print 0.7 * r / 32768 }')"; }

# Stops a run with the signal at COUNT random moments, resumes it after each, and starts another run
# when one is complete.
stop_and_resume() {  # SIGNAL CODE COUNT CHECK: the exit code, and what to check after each stop
  local signal=$1 code=$2 count=$3 stands=$4 stops=0 runs=0 unlike=0 fallen=0
  local -a resume=(--restart)
  rm -rf run* && cp -r former run
  until [ $stops = $count ] && [ $runs -gt 0 ] && [ $status = 0 ]; do
    "${whole[@]}" --output run --log run.log --threads $((1 + RANDOM % 2)) "${resume[@]}" \
      >out 2>err &
    program=$!
    if [ $stops -lt $count ]; then random_moment && kill -$signal $program 2>/dev/null || true; fi
    ended
    resume=(--restart)
    if [ $status = $code ]; then
      stops=$((stops + 1))
      $stands || fallen=$((fallen + 1))
      if stopped run; then resume=(--resume); fi
    elif [ $status = 0 ]; then
      runs=$((runs + 1))
      { same_run run run.log && test ! -e run.partial; } || unlike=$((unlike + 1))
      rm -rf run* && cp -r former run
    else
      failed "exit code $status" "$(cat err)" && break
    fi
  done
  echo "        $stops stops at random moments of $runs runs"
  check "$signal: every run reaches the same weights and log" [ $unlike = 0 ]
  check "  a model was in place after each, $stands" [ $fallen = 0 ]
}
stop_and_resume KILL 137 "${KILLS:-8}" untouched
stop_and_resume INT 130 $((${KILLS:-8} / 2)) usable

# ---- What can be done with a stopped run ----
stop() {  # FOLDER: starts a run and waits until its state is saved
  : >out
  "${train[@]}" "${settings[@]}" --output "$1" --log "$1.log" --restart --epochs 1000000 >out 2>err &
  program=$!
  until grep -q '^epoch   2' out || ! kill -0 $program; do sleep 0.05; done
}
rm -rf run*
stop run
refuses "translate with a run that is not complete" 1 'run|no such folder|--resume' \
  "$seq2seq" translate run "You can."
refuses "a second run in the same place" 1 'run.partial|another run' \
  "${train[@]}" --output run --epochs 1
kill -KILL $program
ended
cp -r run.partial before
refuses "a new run where one was stopped" 1 'run.partial|--resume|--restart' \
  "${train[@]}" --output run
refuses "--resume with another model" 1 '--resume|--width is 48, not 32' \
  "${train[@]}" --output run --log run.log --resume --width 48
# These do not change the shape of any weight.
for other in "--heads 4" "--positions none" "--position-place after" "--activation gelu" \
  "--dropout 0.3" "--prune-heads encoder.blocks.0.attention:1" "--smoothing 0.2" "--momentum 0.5" "--patience 3"; do
  refuses "--resume with $other" 1 "--resume|${other% *} is" \
    "${train[@]}" --output run --log run.log --resume $other
done
refuses "--resume with fewer epochs than started" 1 '--epochs|at least' \
  "${train[@]}" --output run --log run.log --resume --epochs 1
refuses "--resume with other data" 1 '--resume|pairs have changed' \
  "$seq2seq" train <(head -n 290 pairs.tsv) --output run --log run.log --resume
refuses "--resume without the data" 1 'pairs|--task' "$seq2seq" train --output run --resume
refuses "--restart with a missing file" 1 'missing' \
  "$seq2seq" train missing.tsv --output run --restart
check "  none of them changed the stopped run" diff -r before run.partial
refuses "--resume where nothing was stopped" 1 'nowhere|no stopped run' \
  "${train[@]}" --output nowhere --resume
check "  it leaves nothing" [ "$(echo nowhere*)" = 'nowhere*' ]
unsaved() {  # the remains of a run that was killed before it saved anything
  rm -rf early.partial && mkdir early.partial
  cp whole/best.safetensors whole/settings.toml early.partial
}
unsaved
refuses "--resume of a run killed before it saved anything" 1 'early|no stopped run' \
  "${train[@]}" --output early --resume
unsaved && cp -r former early
refuses "  in place of a model, with other settings" 1 '--resume|--width is 32, not 16' \
  "${train[@]}" "${settings[@]}" --output early --resume
check "  which changes nothing" diff -r former early
unsaved
succeeds "  without them the model is trained on" "${train[@]}" --output early --resume --epochs 2
succeeds "  as if the other run had not existed" \
  "${train[@]}" --output longer --width 16 --hidden 16 --epochs 2
check "  to the same files" diff -r longer early
unsaved
succeeds "  a new run may start" "${whole[@]}" --output early --log early.log --restart
check "  to the same weights and log" same_run early early.log
refuses "--resume and --restart" 2 '--resume|--restart' \
  "${train[@]}" --output run --resume --restart
succeeds "--resume keeps the settings, except those given" \
  "${train[@]}" --output run --log run.log --resume --epochs 8
check "  the same weights and log" same_run run run.log
refuses "--resume without the log that the run writes" 1 '--resume|--log' \
  "${train[@]}" --output run --resume
succeeds "--resume of a run that is complete" "${train[@]}" --output run --log run.log --resume
check "  changes nothing" same_run run run.log
refuses "  with fewer epochs is refused" 1 '--epochs|at least|8' \
  "${train[@]}" --output run --log run.log --resume --epochs 7
check "  which changes nothing either" same_run run run.log
succeeds "  with more epochs it continues" \
  "${train[@]}" --output run --log run.log --resume --epochs 9
check "  after the last one" [ "$(grep -c '^epoch' out)-$(grep -c '^epoch   9' out)" = 1-1 ]
stop restarted
kill -KILL $program
ended
succeeds "--restart" "${whole[@]}" --output restarted --log restarted.log --restart
check "  starts over" same_run restarted restarted.log

# ---- Disks ----
goes_on() {  # NAME FOLDER: the run can be resumed
  succeeds "$1" "${train[@]}" --output "$2" --log "$2.log" --resume --epochs 8
  check "  to the same weights and log" same_run "$2" "$2.log"
}
cp -r former limited
stop limited
kill -KILL $program
ended
cp -r limited.partial before_limit
limit() { (ulimit -f 100 && "$@"); }  # no file beyond 100 kB
refuses "a file that may not grow" 1 'limited.partial' \
  limit "${train[@]}" --output limited --log limited.log --resume --epochs 8
check "  the saved state is intact" \
  cmp {before_limit,limited.partial}/training.safetensors
check "  and so is the former model" diff -r former limited
goes_on "  with room it continues" limited

mkdir disk
if ! mount -t tmpfs -o size=16m tmpfs disk 2>/dev/null; then
  echo "skipped: a full and a read-only disk, which only root may mount"
  finish
fi
cp -r former disk/model
stop disk/model
cat /dev/zero >disk/filler 2>/dev/null || true
ended
check "a disk that becomes full: exit code 1" [ $status = 1 ]
check "  one line says what and where" [ "$(wc -l <err)-$(grep -c 'disk/model.*No space' err)" = 1-1 ]
check "  the former model is untouched" diff -r former disk/model
rm disk/filler
goes_on "  with room it continues" disk/model

rm -r disk/model && cp -r former disk/model && rm disk/model.log
stop disk/model
kill -KILL $program
ended
mount -o remount,ro disk
cp -r disk before_disk
refuses "a read-only disk" 1 'disk/model|Read-only' \
  "${train[@]}" --output disk/model --log disk/model.log --resume --epochs 8
check "  everything there is intact" diff -r before_disk disk
mount -o remount,rw disk
goes_on "  writable again, it continues" disk/model
umount disk
finish
