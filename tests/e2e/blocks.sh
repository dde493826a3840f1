#!/usr/bin/env bash
# Every kind of block and attention of seq2seq train: trained, saved, loaded, used.
. "$(dirname "$0")/checks.sh"

head -n 60 "$repository/data/english-french.tsv" >pairs.tsv
tiny=(train pairs.tsv --width 16 --hidden 16 --heads 2 --epochs 1)

works() {  # NAME OPTION…: a model with these options is trained, and translates
  local name=$1
  shift
  succeeds "train $*" "$seq2seq" "${tiny[@]}" --output "$name" "$@"
  succeeds "  translates" "$seq2seq" translate "$name" "."
}

# ---- Blocks ----
works plain
plain=$(stat -c %s plain/weights.safetensors)
works rms-post --normalization rms --norm post
works rms-pre --normalization rms --norm pre
for activation in gelu glu geglu swiglu; do works $activation --activation $activation; done
works tied --tie decoder
check "  fewer weights" [ "$(stat -c %s tied/weights.safetensors)" -lt "$plain" ]
works all-tied --tie all
check "  one vocabulary" cmp all-tied/source.vocabulary all-tied/target.vocabulary
check "  one table" not grep -qaE 'decoder.embedding.table|decoder.output.weight' \
  all-tied/weights.safetensors
cp plain/source.vocabulary all-tied
refuses "  another source vocabulary" 1 'one vocabulary' "$seq2seq" translate all-tied "Read."
works uneven --decoder-width 24 --encoder-blocks 1 --decoder-blocks 3
works all-at-once --normalization rms --norm pre --activation swiglu --tie decoder \
  --decoder-width 24 --attention bilinear --attention-bias yes --positions rotary

# ---- Attention ----
works bilinear --attention bilinear
works additive --attention additive --positions alibi
works bias --attention-bias yes
works pruned --prune-heads encoder.blocks.0.attention:1,decoder.blocks.1.cross_attention:0
check "  it is stored" grep -q 'encoder.blocks.0.attention:1' pruned/settings.toml

# ---- Settings of earlier versions ----
cp -r plain former && echo 'head-layout="side-by-side"' >>former/settings.toml
succeeds "a former option with its default" "$seq2seq" translate former "."
sed -i 's/^head-layout=.*/head-layout="head-major"/' former/settings.toml
refuses "a former option with another value" 1 'former/settings.toml|head-layout|side-by-side' \
  "$seq2seq" translate former "."

# ---- Refused combinations ----
refuses "heads that do not divide the decoder's width" 1 '--heads|--decoder-width|25' \
  "$seq2seq" "${tiny[@]}" --output bad --decoder-width 25
refuses "one table of two widths" 1 '--tie all|--width|--decoder-width' \
  "$seq2seq" "${tiny[@]}" --output bad --decoder-width 24 --tie all
refuses "turned positions without a product" 1 '--attention additive|--positions rotary' \
  "$seq2seq" "${tiny[@]}" --output bad --attention additive --positions rotary
refuses "a head that does not exist" 1 '--prune-heads|2' \
  "$seq2seq" "${tiny[@]}" --output bad --prune-heads encoder.blocks.0.attention:2
refuses "a layer that does not exist" 1 'encoder.blocks.7.attention|there are' \
  "$seq2seq" "${tiny[@]}" --output bad --prune-heads encoder.blocks.7.attention:0
refuses "no head" 2 '--prune-heads|LAYER:HEAD' \
  "$seq2seq" "${tiny[@]}" --output bad --prune-heads encoder.blocks.0.attention
refuses "an unknown kind" 2 '--attention|cubic' \
  "$seq2seq" "${tiny[@]}" --output bad --attention cubic
check "nothing written" not test -e bad
finish
