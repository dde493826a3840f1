#!/usr/bin/env bash
# Training when the machine runs short of something: disks of every size, a read-only file system,
# limits on open files, file size, memory and stack, and kills at any moment. A run that fails says
# why in one line and leaves the former model intact; a run that succeeds leaves a complete one.
#
#   starve.sh BUILD_FOLDER [ROUNDS]   more rounds try more sizes and more moments
if [ "${3:-}" != inside ]; then
  # Small disks are mounted in a private namespace, invisible to other programs.
  for way in "unshare --mount" "unshare --user --map-root-user --mount"; do
    if $way true 2>/dev/null; then exec $way bash "$0" "$1" "${2:-1}" inside; fi
  done
fi
. "$(dirname "$0")/../e2e/checks.sh" "$1"
rounds=${2:-1}

small=(--task reverse --max-length 4 --symbols 8 --train-count 300 --held-out-count 20
  --width 16 --hidden 16 --heads 2 --min-frequency 1)
train=("$seq2seq" train "${small[@]}" --epochs 2)

# NAME FOLDER: either the last run succeeded and the model can be used, or it gave its reason in one
# line and FOLDER is as before (a copy is in `former`).
survives() {
  local name=$1 folder=$2 why=
  if [ $status = 0 ]; then
    "$seq2seq" translate "$folder" "1 2" >/dev/null 2>err || why="the model cannot be used: $(cat err)"
  else
    [ "$(wc -l <err)" = 1 ] || why+="$(wc -l <err) lines on standard error, expected 1; "
    [ $status -lt 128 ] || why+="it ended by signal $((status - 128)); "
    diff -r former "$folder" >/dev/null || why+="the former model is not intact; "
  fi
  if [ -z "$why" ]; then ok "$name (exit code $status: $(head -c 120 err | tr '\n' ' '))"; else
    failed "$name" "exit code $status: $why"$'\n'"$(head -n 3 err)"
  fi
}

succeeds "a model" "${train[@]}" --output former

# ---- Disks that fill -----------------------------------------------------------------------------
# From just over the size of the former model to enough for a second one.
mkdir disk
if mount -t tmpfs -o size=4m none disk 2>/dev/null; then
  used=$(($(du -sk --apparent-size former | cut -f1) + 40))
  for ((more = 4; more <= 400; more += 160 / (rounds + 3))); do
    umount disk
    mount -t tmpfs -o size=$((used + more))k none disk
    cp -r former disk/model
    run "${train[@]}" --seed 2 --restart --output disk/model
    survives "a disk with $more KB left" disk/model
  done

  # ---- A read-only file system -------------------------------------------------------------------
  umount disk
  mount -t tmpfs -o size=4m none disk
  cp -r former disk/model
  mount -o remount,ro disk
  run "${train[@]}" --restart --output disk/model
  survives "a read-only file system" disk/model
  check "  whose model can be used" "$seq2seq" translate disk/model "1 2"
  umount disk
else
  echo "skipped: disks (this user cannot mount)"
fi

# ---- Limits --------------------------------------------------------------------------------------
cp -r former model
limited() {  # ULIMIT_ARGUMENTS COMMAND…
  local limit=$1
  shift
  # shellcheck disable=SC2086
  (ulimit $limit && exec "$@")
}
for files in 3 4 5 6 8 12; do
  run limited "-n $files" "${train[@]}" --restart --output model
  survives "$files open files" model
  rm -rf model && cp -r former model
done
for size in 1 8 32 64 100; do
  run limited "-f $size" "${train[@]}" --restart --output model
  survives "files of at most $size KB" model
  rm -rf model && cp -r former model
done
for ((memory = 50000; memory <= 900000; memory += 170000 / rounds)); do
  run limited "-v $memory" timeout 60 "${train[@]}" --restart --threads 1 --output model
  survives "$memory KB of addresses" model
  rm -rf model && cp -r former model
done
run limited "-s 256" "${train[@]}" --restart --output model
survives "a stack of 256 KB" model

# ---- Kills ---------------------------------------------------------------------------------------
# A run that is killed and resumed again and again reaches the weights of an undisturbed one.
long=("$seq2seq" train "${small[@]}" --epochs 60 --save-every 1)
"${long[@]}" --output undisturbed >/dev/null
rm -rf model
kills=0
until [ -d model ]; do
  how=--restart
  if [ -e model.partial/training.safetensors ]; then how=--resume; fi
  status=0
  # Later each time, so that the run completes in the end.
  moment=$((20 + RANDOM % 100 + 5 * kills / rounds))  # milliseconds
  timeout --foreground --signal KILL "$(printf '0.%03d' $moment)" "${long[@]}" --output model $how >out 2>err || status=$?
  if [ $status != 0 ] && [ $status != 137 ]; then
    failed "kill $kills: exit code $status" "$(head -n 2 err)"
    break
  fi
  kills=$((kills + 1))
done
check "killed $kills times, the run ends with the weights of an undisturbed one" \
  cmp model/weights.safetensors undisturbed/weights.safetensors
check "  and nothing is left over" [ "$(find model* | grep -c 'tmp\|partial')" = 0 ]
finish
