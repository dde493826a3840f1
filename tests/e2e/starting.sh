#!/usr/bin/env bash
# A run that begins with an earlier model has all of it, adds the new words, leaves it alone, and can
# be stopped and resumed; a run can begin with pretrained embeddings.
. "$(dirname "$0")/checks.sh"

head -n 200 "$repository/data/english-french.tsv" >old.tsv
sed -n 201,300p "$repository/data/english-french.tsv" >new.tsv
small=(--width 16 --hidden 16 --heads 2 --encoder-blocks 1 --decoder-blocks 1)
succeeds "a model" "$seq2seq" train old.tsv "${small[@]}" --epochs 2 --keep-epochs 1 --output old
cp -r old before
adapt=("$seq2seq" train new.tsv --epochs 2 --restart)
from=("${adapt[@]}" --from old)
scores() { "$seq2seq" score "$1" old.tsv 2>/dev/null; }

# ---- Everything is taken -------------------------------------------------------------------------
# With a rate that changes nothing, the new model is the old one.
still=(--epochs 1 --learning-rate 1e-30)
for options in "" "--tie all --width 16" "--model gru-attention --copy --width 16 --layers 1" "--tokenizer characters"; do
  # shellcheck disable=SC2086
  succeeds "train $options" "$seq2seq" train old.tsv $options --epochs 1 --output base --restart
  succeeds "  --from it, with the same pairs" "$seq2seq" train old.tsv --from base "${still[@]}" --output same --restart
  check "  takes all weights" grep -qE '^taken from base: ([0-9]+) of \1 weights; new: 0 of' out
  check "  and scores the same" cmp <(scores base) <(scores same)
done

# ---- New words -----------------------------------------------------------------------------------
succeeds "new pairs" "${from[@]}" --log new.log --output new
check "  what was taken is listed" grep -q '^  in part: encoder.embedding.table: .* rows$' out
check "  nothing was left" not grep -q 'not taken' out
for side in source target; do
  size=$(wc -l <old/$side.vocabulary)
  check "  the $side vocabulary begins with the old one" cmp old/$side.vocabulary <(head -n "$size" new/$side.vocabulary)
  check "  and has new words" [ "$(wc -l <new/$side.vocabulary)" -gt "$size" ]
done
check "  model options were taken" grep -qx 'width=16' new/settings.toml
succeeds "  it translates" "$seq2seq" translate new "You can."
check "  the old model is untouched" diff -r before old
check "  no file of the model names it" not grep -rq 'from' new/settings.toml
succeeds "from the weights of an epoch" "${adapt[@]}" --from old/epoch-2.safetensors --output epoch
succeeds "--max-vocabulary leaves the old words" "${from[@]}" --max-vocabulary 5 --output few
check "  and adds none" cmp old/source.vocabulary few/source.vocabulary
succeeds "a larger model" "${from[@]}" --hidden 24 --decoder-blocks 2 --output larger
check "  names the weights that do not fit" \
  grep -q '^  not taken: encoder.blocks.0.feed_forward.up.weight: f32 \[24, 16\] here, f32 \[16, 16\] in the other model$' out
check "  and those that are new" grep -q '^  not taken: decoder.blocks.1 ([0-9]* weights): not in the earlier model$' out

# ---- Stopping and resuming -----------------------------------------------------------------------
long=("$seq2seq" train new.tsv --from old --epochs 60)
resumed=("$seq2seq" train new.tsv --output stopped --resume)
succeeds "a run that is not stopped" "${long[@]}" --output whole
: >out
"${long[@]}" --output stopped >out 2>err &
program=$!
until grep -q '^epoch   2' out || ! kill -0 $program 2>/dev/null; do sleep 0.02; done
kill -KILL $program 2>/dev/null || true
wait $program 2>/dev/null || true
if [ -e stopped ]; then  # it was too fast: the run is complete, and resuming changes nothing
  rm -rf stopped.partial
fi
refuses "--resume with --from" 1 '--from|--resume' "${resumed[@]}" --from old
rm -rf moved && mv old moved
succeeds "--resume without the earlier model" "${resumed[@]}"
mv moved old
check "  the same weights and vocabularies" diff -r whole stopped
succeeds "--resume with more epochs" "${resumed[@]}" --epochs 61
check "  keeps the vocabularies" cmp whole/source.vocabulary stopped/source.vocabulary

# ---- What is no model ----------------------------------------------------------------------------
refuses "no such model" 1 '--from|nowhere|no such folder' "${adapt[@]}" --from nowhere --output bad
refuses "a file that is no model" 1 '--from|old.tsv' "${adapt[@]}" --from old.tsv --output bad
refuses "the folder of the new model" 1 '--from|--output' "${from[@]}" --output old
refuses "  under another name" 1 '--from|--output' "${from[@]}" --output ./old/
refuses "a folder in it" 1 "--output 'old/bad' lies in 'old'" "${from[@]}" --output old/bad
cp -r old damaged && printf 'x' | dd of=damaged/weights.safetensors bs=1 seek=9000 conv=notrunc 2>/dev/null
refuses "damaged weights" 1 '--from|damaged/weights.safetensors' "${adapt[@]}" --from damaged --output bad
cp -r old mixed && cp new/source.vocabulary mixed
refuses "a vocabulary of another model" 1 '--from|mixed' "${adapt[@]}" --from mixed --output bad
mkdir begun.partial && cp old/settings.toml old/*.vocabulary old/training.safetensors begun.partial
refuses "a run that had no weights yet" 1 '--from|begun.partial|--resume' "${adapt[@]}" --from begun.partial --output bad
echo 'from="old"' >evil.toml
refuses "--from in a settings file" 1 'evil.toml|--from' "$seq2seq" train new.tsv --config evil.toml --output bad
check "  none of them wrote anything" [ "$(echo bad*)" = 'bad*' ]
check "  nor changed the earlier model" diff -r before old

# ---- Pretrained embeddings -----------------------------------------------------------------------
awk 'NR > 4 { printf "%s", $0; for (i = 0; i < 16; ++i) printf " %.3f", sin(NR * 16 + i); print "" }' \
  old/source.vocabulary >source.vectors
sed -n 5,30p old/target.vocabulary | awk 'BEGIN { print "26 16" } { printf "%s", toupper($0); for (i = 0; i < 16; ++i) printf " %d", i; print "" }' >target.vectors
pretrained=("$seq2seq" train old.tsv "${small[@]}" --epochs 1 --output pretrained --restart)
succeeds "vectors for both sides" "${pretrained[@]}" --source-embeddings source.vectors --target-embeddings target.vectors
count=$(($(wc -l <old/source.vocabulary) - 4))
check "  all source words are found" grep -q "^pretrained vectors for $count of $count source words" out
check "  and the target words in capitals" grep -q '^pretrained vectors for 26 of' out
cut -d' ' -f1-9 source.vectors >narrow.vectors
sed '7s/ [^ ]*$/ nan/' source.vectors >nan.vectors
for wrong in "narrow.vectors|8|16" "nan.vectors:7|nan" "missing" "old/weights.safetensors"; do
  refuses "${wrong%%[|:]*}" 1 "--source-embeddings|$wrong" "${pretrained[@]}" --source-embeddings "${wrong%%[|:]*}"
done
refuses "vectors and an earlier model" 1 '--from|--source-embeddings' "${pretrained[@]}" --from old --source-embeddings source.vectors
check "  none of them left a run" [ ! -e pretrained.partial ]
finish
