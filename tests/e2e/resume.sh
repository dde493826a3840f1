#!/usr/bin/env bash
# A training run that is stopped, however it is, and resumed comes to the same weights and the same
# log, bit by bit, as one that never was; and what stood in its place stands until it is complete.
# KILLS=50 bash tests/e2e/resume.sh build     kills it at so many random moments instead of 8
. "$(dirname "$0")/checks.sh"
trap 'umount "$work/disk" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT

head -n 300 "$repository/data/english-french.tsv" >pairs.tsv
# A bit of everything that a run has to remember, and a rate that six digits do not tell.
settings=(--width 32 --hidden 32 --heads 2 --batch-tokens 300 --accumulate 2
  --learning-rate 0.0031415926535 --schedule plateau --plateau-patience 1 --warm-up 5 --ema 0.9
  --smoothing 0.1 --best-by bleu --save-every 3)
train=("$seq2seq" train pairs.tsv)
whole=("${train[@]}" "${settings[@]}" --epochs 8)

succeeds "a run that is not stopped" "${whole[@]}" --output whole --log whole.log
succeeds "another model" "${train[@]}" --output former --width 16 --hidden 16 --epochs 1
files=$(ls whole | paste -sd' ')

timeless() { sed 's/,"seconds":[^}]*//' "$1"; }
same_run() {  # FOLDER LOG: nothing differs from the run that was not stopped
  [ "$(ls "$1" | paste -sd' ')" = "$files" ] && diff -r whole "$1" &&
    cmp <(timeless whole.log) <(timeless "$2")
}
stopped() { test -e "$1.partial/training.safetensors"; }
stands() {  # FOLDER: it holds a whole model, the one from before or the new one
  diff -r --exclude training.safetensors former "$1" >/dev/null || diff -r whole "$1"
}
# Starts or goes on with the run in the background: its number is in $program.
go_on() {  # FOLDER
  local resume=()
  if stopped "$1"; then resume=(--resume); fi
  "${whole[@]}" --output "$1" --log "$1.log" "${resume[@]}" >out 2>err &
  program=$!
}
ended() {  # leaves the exit code in $status
  status=0
  wait $program 2>/dev/null || status=$?
}
# Some come before the first state is saved, some after the run has ended.
random_moment() { sleep "$(awk -v r=$RANDOM 'BEGIN { print 0.7 * r / 32768 }')"; }

# ---- kill -9 ----
wanted=${KILLS:-8} kills=0 completed=0 unlike=0 fallen=0
begin_anew() { rm -rf killed killed.partial && cp -r former killed && : >killed.log; }
complete() {
  completed=$((completed + 1))
  { same_run killed killed.log && test ! -e killed.partial; } || unlike=$((unlike + 1))
}
begin_anew
while [ $kills -lt $wanted ]; do
  go_on killed
  random_moment
  kill -KILL $program 2>/dev/null || true
  ended
  if [ $status = 137 ]; then
    kills=$((kills + 1))
    stands killed || fallen=$((fallen + 1))
  elif [ $status = 0 ]; then
    complete
    begin_anew
  else
    failed "exit code $status" "$(cat err)" && break
  fi
done
go_on killed
ended
if [ $status = 0 ]; then complete; else failed "exit code $status" "$(cat err)"; fi
echo "        $kills kills at random moments of $completed runs"
check "kill -9: every run comes to the same weights and log" [ $unlike = 0 ]
check "  a model stood there after each kill" [ $fallen = 0 ]

# ---- Ctrl-C ----
wanted=$((wanted / 2)) interrupts=0 status=130
resume=()
while [ $status = 130 ]; do
  "${whole[@]}" --output interrupted --log interrupted.log "${resume[@]}" \
    >out 2>err &
  program=$!
  if [ $interrupts -lt $wanted ]; then random_moment && kill -INT $program 2>/dev/null || true; fi
  ended
  if [ $status = 130 ]; then interrupts=$((interrupts + 1)) && resume=(--resume); fi
done
echo "        $interrupts interrupts of a run"
check "Ctrl-C: the run comes to its end" [ $status = 0 ]
check "  to the same weights and log" same_run interrupted interrupted.log
check "  and nothing is left beside it" test ! -e interrupted.partial

# ---- Stopped and then ----
stop() {  # FOLDER: a run there, killed after its state has been saved
  "${train[@]}" "${settings[@]}" --output "$1" --log "$1.log" --epochs 1000000 >out 2>err &
  program=$!
  until grep -q '^epoch   2' out || ! kill -0 $program; do sleep 0.05; done
}
stop run
refuses "a second run at the same place" 1 'run.partial|another run' \
  "${train[@]}" --output run --epochs 1
kill -KILL $program
ended
cp -r run.partial before
refuses "a new run where one was stopped" 1 'run.partial|--resume|--restart' \
  "${train[@]}" --output run
refuses "--resume with another model" 1 'another run|model.encoder' \
  "${train[@]}" --output run --resume --width 48
refuses "--resume with other data" 1 'another run|data.pairs is' \
  "$seq2seq" train <(head -n 290 pairs.tsv) --output run --resume
refuses "--resume without the data" 1 'pairs|--task' "$seq2seq" train --output run --resume
refuses "--restart with a missing file" 1 'missing' \
  "$seq2seq" train missing.tsv --output run --restart
check "  none of them changed what was stopped" diff -r before run.partial
refuses "--resume where nothing was stopped" 1 'nowhere|no stopped run' \
  "${train[@]}" --output nowhere --resume
check "  it leaves nothing" [ "$(echo nowhere*)" = 'nowhere*' ]
refuses "--resume and --restart" 2 '--resume|--restart' \
  "${train[@]}" --output run --resume --restart
succeeds "--resume remembers the settings, but for what is said" \
  "${train[@]}" --output run --log run.log --resume --epochs 8
check "  the same weights and log" same_run run run.log
succeeds "--resume of a run that is complete" "${train[@]}" --output run --log run.log --resume
check "  changes nothing" same_run run run.log
succeeds "  and with more epochs goes on" \
  "${train[@]}" --output run --log run.log --resume --epochs 9
check "  after the last one" [ "$(grep -c '^epoch' out)-$(grep -c '^epoch   9' out)" = 1-1 ]
stop restarted
kill -KILL $program
ended
succeeds "--restart" "${whole[@]}" --output restarted --log restarted.log --restart
check "  begins anew" same_run restarted restarted.log

# ---- Disks ----
goes_on() {  # NAME FOLDER: after all
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
  limit "${train[@]}" --output limited --resume --epochs 8
check "  the state that was saved stands" \
  cmp {before_limit,limited.partial}/training.safetensors
check "  and so does the former model" diff -r former limited
goes_on "  with room it goes on" limited

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
goes_on "  with room it goes on" disk/model

rm -r disk/model && cp -r former disk/model && rm disk/model.log
stop disk/model
kill -KILL $program
ended
mount -o remount,ro disk
cp -r disk before_disk
refuses "a read-only disk" 1 'disk/model|Read-only' \
  "${train[@]}" --output disk/model --resume --epochs 8
check "  everything there stands" diff -r before_disk disk
mount -o remount,rw disk
goes_on "  writable again, it goes on" disk/model
umount disk
finish
