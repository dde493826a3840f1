#!/usr/bin/env bash
# Every kind of positions in every mode and place, from the options to the translation, and the
# combinations that are refused.
. "$(dirname "$0")/checks.sh"

tiny=(--task reverse --symbols 5 --max-length 6 --train-count 200 --held-out-count 20 --epochs 1)
tiny+=(--width 16 --hidden 16 --heads 2 --encoder-blocks 1 --decoder-blocks 1)
train=("$seq2seq" train --restart --output model "${tiny[@]}")

stored() {  # --OPTION VALUE…: the model's settings hold them
  while [ $# -gt 0 ]; do
    grep -qE "^${1#--}=\"?$2\"?$" model/settings.toml || return 1
    shift 2
  done
}
trains() {  # --OPTION VALUE…: trains and translates
  succeeds "train $*" "${train[@]}" "$@"
  check "  the settings say so" stored "$@"
  succeeds "  translate" "$seq2seq" translate model "1 2 3"
}

for kind in none rotary alibi relative; do trains --positions $kind; done
trains --positions relative --relative keys --max-distance 2
for kind in sinusoidal learned convolutional; do
  for mode in add concatenate; do
    for place in before blocks after; do
      trains --positions $kind --position-mode $mode --position-place $place
    done
  done
  trains --positions $kind --position-mode split --position-width 8
done
trains --positions convolutional --kernel 5

# ---- Refused combinations ----
for kind in none rotary alibi relative; do
  refuses "$kind concatenated" 1 "--position-mode concatenate|--positions $kind" \
    "${train[@]}" --positions $kind --position-mode concatenate
  refuses "$kind in each block" 1 "--position-place blocks|--positions $kind" \
    "${train[@]}" --positions $kind --position-place blocks
done
refuses "a width split after the blocks" 1 '--position-mode split|--position-place after' \
  "${train[@]}" --position-mode split --position-place after --position-width 8
refuses "nothing left for the tokens" 1 '--position-width|--width 16' \
  "${train[@]}" --position-mode split --position-width 16
refuses "a filter of another width" 1 '--position-width 4|--positions convolutional|--width 16' \
  "${train[@]}" --positions convolutional --position-mode split --position-width 4
refuses "a filter without neighbours" 1 '--kernel' \
  "${train[@]}" --positions convolutional --kernel 1
refuses "no distance" 2 '--max-distance' "${train[@]}" --positions relative --max-distance 0
refuses "an unknown mode" 2 '--position-mode' "${train[@]}" --position-mode multiply
refuses "an unknown place" 2 '--position-place' "${train[@]}" --position-place everywhere
finish
