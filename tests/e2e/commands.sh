#!/usr/bin/env bash
# The commands that use a model: translate, evaluate, score, inspect, average, and all their options.
. "$(dirname "$0")/checks.sh"

# A model that trains in seconds and still makes mistakes, so that there are differences to see.
toy=(--task reverse --max-length 6 --train-count 2000 --held-out-count 100
  --min-frequency 1 --batch 32 --dropout 0 --norm pre --learning-rate 0.003 --width 32 --hidden 64)
succeeds "train" "$seq2seq" train "${toy[@]}" --symbols 8 --epochs 4 --output model
trained=$(tail -n 1 out)
parameters=$(grep -o '[0-9]* parameters' out)
"$seq2seq" train "${toy[@]}" --symbols 8 --epochs 3 --output shorter >/dev/null
"$seq2seq" train "${toy[@]}" --symbols 8 --epochs 1 --seed 2 --output seeded >/dev/null
"$seq2seq" train "${toy[@]}" --symbols 7 --epochs 1 --output fewer >/dev/null
cut -f1 model/held-out.tsv >sources
cut -f2 model/held-out.tsv >references

translate() { "$seq2seq" translate model "$@"; }
field() { cut -f"$1" "$2"; }
lines() { wc -l <"$1"; }
# close A B: two columns of numbers are the same up to 1e-4
close() { paste "$1" "$2" | awk 'function abs(x) { return x < 0 ? -x : x }
  abs($1 - $2) > 1e-4 { bad = 1 } END { exit bad || NR == 0 }'; }
json_says() { python3 -c "import json, sys; j = json.load(open('$1')); sys.exit(not ($2))"; }
tokens_between() { awk -v least="$1" -v most="$2" 'NF < least || NF > most { bad = 1 } END { exit bad }' "$3"; }

# ---- translate: lines in, lines out ----
translate <sources >greedy
check "a pipe gives as many lines as it got" [ "$(lines greedy)" = 100 ]
check "  the task is learned, but not perfectly" \
  awk -v right="$(paste greedy references | awk -F'\t' '$1 == $2' | wc -l)" 'BEGIN { exit !(right > 50) }'
for size in 1 7 1000; do
  check "--batch $size changes nothing" cmp greedy <(translate --batch $size <sources)
done
check "nor does the number of threads" cmp greedy <(translate --threads 1 <sources)
check "a slow pipe gets the same" \
  cmp greedy <(while read -r line; do echo "$line"; sleep 0.01; done <sources | translate)
check "the last line needs no end" [ "$(printf '1 2 3' | translate)" = "$(translate '1 2 3')" ]
check "a byte order mark is ignored" \
  [ "$(printf '\xef\xbb\xbf1 2 3\n' | translate --quiet)" = "$(translate '1 2 3')" ]
check "no lines, no lines" [ "$(translate </dev/null | wc -l)" = 0 ]
mkfifo to from
"$seq2seq" translate model <to >from 2>/dev/null &
program=$!
exec 3>to 4<from
for round in 1 2 3; do
  (echo "1 2 3" >&3) || true
  answer=
  read -r -t 10 answer <&4 || true
  check "  a writer who waits for an answer gets it ($round)" [ "$answer" = "$(translate '1 2 3')" ]
done
exec 3>&- 4<&-
wait $program || true
printf '1 2\n%s\n3 4\n' "$(printf '1 %.0s' {1..61})" >too_long
run "$seq2seq" translate model <too_long
check "a refused line: code 1, one line" [ "$status-$(lines err)" = 1-1 ]
check "  names its place" grep -q '^seq2seq: standard input, line 2: a sentence of 61 tokens' err
check "  has an empty answer, and the others theirs" cmp out <(translate "1 2" "" "3 4")
run "$seq2seq" translate model --n-best 1 <too_long
check "  in an n-best list, too" [ "$(sed -n 2p out)" = $'2\t\t' ]
run "$seq2seq" translate model --on-error stop <too_long
check "--on-error stop: code 1, one line" [ "$status-$(lines err)" = 1-1 ]
check "  those before it are answered" cmp out <(translate "1 2")
{ printf '1\nb\xe9\n2\n'; head -c 3000000 /dev/zero | tr '\0' 1; printf '\n3\n\xff'; } >mixed
for size in 1 2 256; do
  run "$seq2seq" translate model --batch $size <mixed
  check "lines that are not text, or endless: the rest is answered, --batch $size" \
    cmp out <(translate "1" "" "2" "" "3" "")
  check "  each is reported" \
    [ "$(grep -oE 'line [0-9]+' err | paste -sd' ')" = "line 2 line 4 line 6" ]
  check "  code 1" [ $status = 1 ]
done
run "$seq2seq" translate model "1" $'\xff' "2"
check "the same for arguments" cmp out <(translate "1" "" "2")
check "  named by their number" grep -q '^seq2seq: sentence 2: ' err
status=0
timeout 20 bash -c 'set -o pipefail; yes "1 2 3" | "$0" translate model | head -n 3 >few' "$seq2seq" 2>err || status=$?
check "a closed output ends it, silently" [ "$status-$(lines few)-$(lines err)" = 141-3-0 ]
head -c 2000000 /dev/zero | tr '\0' 1 >endless
check "an endless line is an error and does not fill the memory" \
  grep -q 'a line of more than' <(translate <endless 2>&1)
run timeout 20 bash -c 'yes "1 2 3" | "$0" translate model >/dev/full' "$seq2seq"
check "a full disk ends it" [ "$status-$(lines err)" = 1-1 ]
check "  and is named" grep -q 'standard output' err

# ---- translate: arguments that may be meant as models ----
for words in "nofolder|'nofolder' is no model" "sources|'sources' is a file or folder"; do
  run "$seq2seq" translate model "${words%|*}" "1 2"
  check "a note about ${words%|*}" grep -qF "seq2seq: ${words#*|}" err
  check "  but for --quiet" not grep -q 'as a sentence' <("$seq2seq" translate model --quiet "${words%|*}" "1 2" 2>&1)
  check "  it is a sentence all the same" [ "$status-$(lines out)" = 0-2 ]
done

# ---- translate: unknown words ----
run "$seq2seq" translate model "1 zorble 2 zorble" "9"
check "an unknown word is named once a sentence" \
  [ "$(grep -c "'zorble'" err)-$(grep -c "'9'" err)-$(lines err)" = 1-1-2 ]
succeeds "--quiet names none" "$seq2seq" translate model --quiet "1 zorble 2" "9"
check "  and changes nothing" cmp out <(translate "1 zorble 2" "9" 2>/dev/null)

run "$seq2seq" translate model $'1 \e[31mred\e[0m 2' "1 $(head -c 100000 /dev/zero | tr '\0' x)"
check "an unknown word is shown without control characters" not grep -q $'\e' err
check "  and shortened" [ "$(wc -c <err)" -lt 1000 ]
if command -v script >/dev/null; then
  run script -qec "'$seq2seq' translate model --quiet '1 2'" /dev/null </dev/null
  check "on a terminal it translates" [ $status = 0 ]
fi

# The folder that a killed run leaves behind.
cp -r model killed.partial && rm killed.partial/weights.safetensors
cp -r model kept && cp model/best.safetensors kept/weights.safetensors
run "$seq2seq" translate killed.partial "1 2 3"
check "the folder of a run that was killed has its best weights" \
  cmp out <("$seq2seq" translate kept "1 2 3")
check "  a note says so" grep -q 'killed.partial: the run was stopped; using its best weights' err
check "  exit code 0" [ $status = 0 ]
check "  inspect, too" "$seq2seq" inspect killed.partial
rm killed.partial/best.safetensors
refuses "  without any weights, the message gives the way on" 1 'killed.partial|--resume' \
  "$seq2seq" translate killed.partial "1 2 3"

# ---- translate: search ----
check "--beam 1 is greedy" cmp greedy <(translate --beam 1 <sources)
translate --scores <sources >scored
check "--scores changes no answer" cmp greedy <(field 2 scored)
translate --beam 4 --n-best 3 <sources >best
check "--n-best: three for each" [ "$(field 1 best | uniq -c | awk '{ print $1 }' | sort -u)" = 3 ]
check "  numbered from 1" cmp <(seq 100) <(field 1 best | uniq)
check "  sorted by score" awk -F'\t' '$1 == line && $2 > last { bad = 1 } { line = $1; last = $2 } END { exit bad }' best
check "  distinct" [ "$(field 1,3 best | sort | uniq -d | wc -l)" = 0 ]
check "  starting with the answer of --beam alone" \
  cmp <(translate --beam 4 <sources) <(awk -F'\t' '!seen[$1]++ { print $3 }' best)
translate --beam 4 --n-best 3 --batch 3 <sources >again
check "  the same at any --batch" cmp <(field 1,3 best) <(field 1,3 again)
check "  with the same scores" close <(field 2 best) <(field 2 again)
translate --beam 8 --length-penalty 0 --scores <sources >wide
check "a wide beam finds likelier answers, with few exceptions" \
  awk -v worse="$(paste scored wide | awk -F'\t' '$3 < $1 - 1e-4' | wc -l)" 'BEGIN { exit !(worse <= 2) }'
words() { translate --beam 4 --length-penalty "$1" <sources | wc -w; }
check "--length-penalty: a larger one gives longer answers" [ "$(words 5)" -ge "$(words 0)" ]
run "$seq2seq" translate model --scores "1 2" "" "3"
check "an empty line has an empty answer without a score" [ "$(sed -n 2p out)" = $'\t' ]
run "$seq2seq" translate model --beam 2 --n-best 2 "" "3"
check "  in an n-best list, too" [ "$(head -n 1 out)" = $'1\t\t' ]

# ---- translate: constraints on the answer ----
translate --max-length 2 <sources >short
check "--max-length" tokens_between 0 2 short
check "  shortens" awk 'NF > 2 { longer = 1 } END { exit !longer }' greedy
translate --min-length 5 --max-length 7 <sources >long
check "--min-length" tokens_between 5 7 long
translate --min-length 30 --beam 2 <sources >longer
check "  beyond the usual length" tokens_between 30 70 longer
translate --prefix "7 7" <sources >begun
check "--prefix: every answer begins with it" [ "$(grep -c '^7 7' begun)" = 100 ]
check "  and goes on" awk 'NF > 2 { on = 1 } END { exit !on }' begun
check "  with a beam as well" [ "$(translate --beam 3 --prefix 5 <sources | grep -c '^5')" = 100 ]
first=$(translate "1 2 3" | cut -d' ' -f1)
check "  the prefix of the unconstrained answer changes nothing" \
  [ "$(translate --prefix "$first" "1 2 3")" = "$(translate "1 2 3")" ]

# ---- translate: sampling ----
sample=(translate --sample --temperature 2)
"${sample[@]}" --seed 5 <sources >drawn
check "--sample: the same seed, the same draws" cmp drawn <("${sample[@]}" --seed 5 <sources)
check "  at any --batch" cmp drawn <("${sample[@]}" --seed 5 --batch 3 <sources)
check "  a different seed, different draws" not cmp -s drawn <("${sample[@]}" --seed 6 <sources)
check "  not the likeliest" not cmp -s drawn greedy
yes "1 2 3 4 5" | head -n 50 >same || true
check "  each line is drawn independently" [ "$("${sample[@]}" <same | sort -u | wc -l)" -gt 5 ]
check "  several of one line" [ "$("${sample[@]}" --n-best 20 "1 2 3 4 5" | cut -f3 | sort -u | wc -l)" -gt 5 ]
check "--top-k 1 is greedy" cmp greedy <("${sample[@]}" --top-k 1 <sources)
check "a small --top-p is greedy" cmp greedy <("${sample[@]}" --top-p 0.000001 <sources)
check "a low --temperature is greedy" cmp greedy <(translate --sample --temperature 0.00001 <sources)
"${sample[@]}" --prefix 3 --min-length 4 --max-length 5 <sources >drawn
check "--prefix holds for draws" [ "$(grep -c '^3 ' drawn)" = 100 ]
check "  and so do the lengths" tokens_between 4 5 drawn

# ---- translate: options that contradict each other ----
refuses "--sample and --beam" 1 '--sample|--beam' "$seq2seq" translate model --sample --beam 2 1
for option in --temperature --top-k --top-p --seed; do
  refuses "$option without --sample" 1 "$option|--sample" "$seq2seq" translate model $option 1 1
done
refuses "--length-penalty without a beam" 1 '--length-penalty|--beam' \
  "$seq2seq" translate model --length-penalty 1 1
refuses "an n-best list longer than the beam" 1 '--n-best|--beam' "$seq2seq" translate model --beam 2 --n-best 3 1
refuses "--min-length above --max-length" 1 '--min-length|--max-length' \
  "$seq2seq" translate model --min-length 3 --max-length 2 1
refuses "--max-length beyond the model" 1 '--max-length|70|71' "$seq2seq" translate model --max-length 71 1
refuses "a --prefix the model does not know" 1 "--prefix|'zorble'" \
  "$seq2seq" translate model --prefix zorble 1
refuses "a --prefix longer than --max-length" 1 '--prefix|2' \
  "$seq2seq" translate model --prefix "1 2 3" --max-length 2 1
for wrong in "--beam 0" "--top-p 0" "--top-p 1.1" "--temperature 0" "--n-best 0" "--batch 0"; do
  refuses "$wrong" 2 "${wrong% *}" "$seq2seq" translate model ${wrong} 1
done

# ---- score ----
paste sources <(field 2 scored) >answers.tsv
succeeds "score" "$seq2seq" score model answers.tsv --quiet
check "  the scores of translate" close <(field 1 out) <(field 1 scored)
check "  tokens with the end" cmp <(field 2 out) <(field 2 scored | awk '{ print NF + 1 }')
check "  of standard input, the same" cmp out <("$seq2seq" score model --quiet <answers.tsv)
check "  or -" cmp out <("$seq2seq" score model - --quiet <answers.tsv)
for size in 1 7; do
  check "  --batch $size, the same" \
    close <(field 1 out) <("$seq2seq" score model --batch $size answers.tsv 2>/dev/null | cut -f1)
done
paste sources references >pairs.tsv
run "$seq2seq" score model pairs.tsv
check "score: perplexity on standard error" grep -q '^perplexity [0-9.]* on 100 pairs, [0-9]* tokens$' err
perplexity=$(awk '{ print $2 }' err)
check "  agrees with the scores" awk -v p="$perplexity" \
  '{ sum += $1; n += $2 } END { q = exp(-sum / n); exit !(p / q < 1.0001 && q / p < 1.0001) }' out
cp err summary
succeeds "score --summary" "$seq2seq" score model pairs.tsv --summary
check "  prints just that" cmp out summary
"$seq2seq" score model --quiet --tokens pairs.tsv >each
check "score --tokens: a third column" cmp <("$seq2seq" score model --quiet pairs.tsv) <(field 1,2 each)
check "  whose scores add up" awk -F'\t' '{ n = split($3, each, " "); sum = 0
  for (i = 1; i <= n; ++i) { split(each[i], part, ":"); sum += part[2] }
  if (n != $2 || sum - $1 > 1e-5 || $1 - sum > 1e-5) bad = 1 } END { exit bad }' each
check "  of the tokens and the end" \
  cmp <(sed 's/$/ <eos>/' references) <(field 3 each | sed -E 's/:-?[0-9.]+//g')
sed -i 's/$/\tsomebody/' pairs.tsv
check "an attribution is not part of the target" \
  cmp summary <("$seq2seq" score model --summary pairs.tsv)
run "$seq2seq" score model < <(printf '1 2\t2 zorble\n\t\n')
check "score: unknown words are named" grep -q "'zorble'" err
check "  an empty pair has a score" [ "$(sed -n 2p out | cut -f2)" = 1 ]
run "$seq2seq" score model < <(printf '1 2\t2 1\nno tab\n')
check "a line without a tab: code 1" [ $status = 1 ]
check "  its place" grep -q '^seq2seq: standard input, line 2: no tab' err
check "  the line before is scored" [ "$(lines out)" = 1 ]
printf '7\t1 2\t9\t2 1\n8\t1\t4\t1\n' >tatoeba.tsv
printf '1 2\t2 1\n1\t1\n' >narrow.tsv
succeeds "--columns" "$seq2seq" score model --quiet --columns 2,4 tatoeba.tsv
check "  chooses the sides" cmp out <("$seq2seq" score model --quiet narrow.tsv)
succeeds "  of evaluate, too" "$seq2seq" evaluate model --json --columns 2,4 tatoeba.tsv
check "  chooses the same" cmp out <("$seq2seq" evaluate model --json narrow.tsv)
refuses "  invalid columns" 2 '--columns|2,4' "$seq2seq" score model --columns 2 tatoeba.tsv
refuses "  a missing column" 1 'narrow.tsv:1|2 columns|column 4' \
  "$seq2seq" score model --columns 2,4 narrow.tsv
refuses "--columns without a file" 1 '--columns' "$seq2seq" evaluate model --columns 2,4
refuses "--tokens with --summary" 1 '--tokens|--summary' \
  "$seq2seq" score model --tokens --summary narrow.tsv
run "$seq2seq" score model < <(printf '1\t1\n\n')
check "an empty line says so" grep -q 'line 2: the line is empty' err
printf '1\t1\n1\t1\tsomebody\t1\n' >wide.tsv
refuses "score: a fourth column" 1 'wide.tsv:2|4 columns' "$seq2seq" score model --quiet wide.tsv
printf '1\t1\n1\t%s\n' "$(printf '1 %.0s' {1..71})" >long.tsv
refuses "a target that is too long" 1 'long.tsv:2|71|70' "$seq2seq" score model long.tsv
refuses "score: nothing" 1 'no pairs' "$seq2seq" score model
refuses "score: a missing file" 1 'missing.tsv' "$seq2seq" score model missing.tsv

# ---- evaluate ----
succeeds "evaluate" "$seq2seq" evaluate model --output written
check "  the figure of the training run" [ "$(tail -n 1 out)" = "$trained" ]
check "  --output: the translations" cmp written greedy
for metric in BLEU chrF2 TER "d2l's BLEU" WER PER "right sentences" "right tokens" perplexity; do
  check "  $metric" grep -q "^$metric " out
done
check "  signatures" [ "$(grep -c 'nrefs:1|case:' out)" = 3 ]
value() { python3 -c "import json; print(json.load(open('$1'))['$2'])"; }
succeeds "evaluate --json" "$seq2seq" evaluate model --json
cp out json
check "  is JSON" python3 -m json.tool json
check "  on one line" [ "$(lines json)" = 1 ]
check "  within bounds" json_says json \
  "j['sentences'] == 100 and all(0 <= j[k] <= 100 for k in ('bleu', 'chrf', 'sequence_accuracy', 'token_accuracy'))"
check "  PER is at most WER" json_says json "0 < j['per'] <= j['wer']"
check "  sequence accuracy is that of translate" json_says json \
  "abs(j['sequence_accuracy'] - $(paste greedy references | awk -F'\t' '$1 == $2' | wc -l)) < 1e-9"
check "  perplexity is that of score" json_says json "abs(j['perplexity'] - $perplexity) < 1e-3"
succeeds "evaluate with a beam" "$seq2seq" evaluate model --beam 4 --output written
check "  writes what translate says" cmp written <(translate --beam 4 <sources)
for cut in 13a intl char none; do
  succeeds "--tokenize $cut" "$seq2seq" evaluate model --tokenize $cut
  check "  in the signature" grep -q "|tok:$cut|smooth:exp" out
done
for smooth in exp floor add-k none; do
  check "--smooth $smooth" grep -q "|smooth:$smooth" <("$seq2seq" evaluate model --smooth $smooth)
done
check "--smooth-value" grep -q '|smooth:floor\[0.50*\]' \
  <("$seq2seq" evaluate model --smooth floor --smooth-value 0.5)
succeeds "--references" "$seq2seq" evaluate model --json --references greedy
check "  its own answers as references are right" json_says out "j['bleu'] > 99.99 and j['ter'] < 1e-9 \
  and j['wer'] == 0 and j['per'] == 0 and j['sequence_accuracy'] == 100 and j['book_bleu'] > 0.9999"
check "  two references" json_says out "j['notes']['bleu'].startswith('nrefs:2|')"
sed 's/.*//' greedy >none
"$seq2seq" evaluate model --json --references none >without
check "  empty lines are not references" cmp json without
check "  two files" grep -q 'nrefs:3|' <("$seq2seq" evaluate model --references greedy references)
head -n 3 greedy >three
refuses "too few references" 1 'three|3|100' "$seq2seq" evaluate model --references three
refuses "--smooth-value with exp" 1 '--smooth-value|--smooth exp' \
  "$seq2seq" evaluate model --smooth-value 1
refuses "an unknown --tokenize" 2 '--tokenize|zh' "$seq2seq" evaluate model --tokenize zh
refuses "evaluate: options that contradict each other" 1 '--top-k|--sample' "$seq2seq" evaluate model --top-k 2
tail -n 5 model/held-out.tsv >five.tsv
refuses "--output in place of the pairs" 1 'five.tsv|also read' \
  "$seq2seq" evaluate model five.tsv --output five.tsv
check "  which stay" cmp five.tsv <(tail -n 5 model/held-out.tsv)
refuses "--output in place of the weights" 1 'model/weights.safetensors|another place' \
  "$seq2seq" evaluate model --output model/weights.safetensors
refuses "--output that cannot be written" 1 'nowhere/file' "$seq2seq" evaluate model --output nowhere/file

# ---- inspect ----
succeeds "inspect" "$seq2seq" inspect model
check "  the total that train printed" grep -q "^$parameters in [0-9]* tensors$" out
check "  the kind" [ "$(head -n 1 out)" = transformer ]
check "  the settings" grep -q '^width=32$' out
check "  a line for each tensor" [ "$(grep -c ' f32 ' out)" = "$(tail -n 1 out | awk '{ print $4 }')" ]
succeeds "inspect --json" "$seq2seq" inspect model --json
check "  is JSON" python3 -m json.tool out
check "  the same total" json_says out \
  "j['numbers'] == sum(t['count'] for t in j['tensors']) == int('$parameters'.split()[0])"
check "  typed settings" json_says out "j['settings']['width'] == 32 and j['settings']['task'] == 'reverse'"
cat >statistics.py <<'PYTHON'
# The statistics of `inspect --json`, recomputed from the file: the format is simple enough.
import array, json, math, struct, sys
inspected = {t['name']: t for t in json.load(open(sys.argv[1]))['tensors']}
data = open(sys.argv[2], 'rb').read()
length, = struct.unpack('<Q', data[:8])
header = json.loads(data[8:8 + length])
header.pop('__metadata__', None)
assert header.keys() == inspected.keys()
for name, entry in header.items():
    begin, end = entry['data_offsets']
    x = array.array('f', data[8 + length + begin:8 + length + end])
    mean = math.fsum(x) / len(x)
    expected = dict(count=len(x), mean=mean, min=min(x), max=max(x), norm=math.hypot(*x),
                    deviation=math.sqrt(math.fsum((v - mean)**2 for v in x) / len(x)))
    for key, value in expected.items():
        assert math.isclose(inspected[name][key], value, rel_tol=1e-9, abs_tol=1e-12), (name, key)
    assert inspected[name]['shape'] == entry['shape'] and inspected[name]['dtype'] == 'f32'
PYTHON
check "  right statistics" python3 statistics.py out model/weights.safetensors
succeeds "inspect a file" "$seq2seq" inspect model/weights.safetensors
check "  the same number" grep -q "^${parameters% *} numbers in" out
check "  the settings, line by line" grep -qx 'width=32' out
cp -r model broken
# As other programs write them, without a checksum.
sed -i 's/"adjoint.crc32"/"without_crc32"/' broken/weights.safetensors
printf '\x00\x00\xc0\x7f\x00\x00\x80\x7f' | dd of=broken/weights.safetensors conv=notrunc bs=1 \
  status=none seek=$(($(stat -c %s model/weights.safetensors) - 8))
succeeds "inspect a model with NaN" "$seq2seq" inspect broken
check "  flags the tensor" grep -q '  1 NaN, 1 infinite$' out
check "  and says so at the end" grep -q '; NaN or infinity in 1 of them$' out
check "  in JSON" json_says <("$seq2seq" inspect broken --json) "j['not_finite'] == 1"
cat >state.py <<'PYTHON'
# A file as another program might write it: other types, an empty tensor, metadata, an odd name.
import json, struct
tensors = [('whole', 'I64', [3], struct.pack('<3q', -7, 0, 1)), ('double', 'F64', [], struct.pack('<d', 0.5)),
           ('yes\n\x1bno', 'BOOL', [4], bytes([1, 0, 1, 1])), ('empty', 'F32', [0, 2], b'')]
header, data = {'__metadata__': {'step': '12'}}, b''
for name, dtype, shape, content in tensors:
    header[name] = {'dtype': dtype, 'shape': shape, 'data_offsets': [len(data), len(data) + len(content)]}
    data += content
text = json.dumps(header).encode()
open('state.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + data)
PYTHON
python3 state.py
succeeds "inspect any safetensors file" "$seq2seq" inspect state.safetensors
check "  every dtype" [ "$(grep -oE ' (i64|f64|b8|f32) ' out | sort | tr -d ' \n')" = b8f32f64i64 ]
check "  its metadata" grep -qx 'step: 12' out
check "  8 numbers" grep -q '^8 numbers in 4 tensors$' out
check "  nothing unprintable" not grep -q $'\x1b' out
check "  JSON" python3 -m json.tool <("$seq2seq" inspect state.safetensors --json)
refuses "inspect: a text file" 1 'sources: |not a safetensors file' "$seq2seq" inspect sources
refuses "inspect: a folder that is not a model" 1 'settings.toml' "$seq2seq" inspect "$work"
refuses "inspect: nothing there" 1 'nowhere' "$seq2seq" inspect nowhere

# ---- average ----
succeeds "average of a model with itself" "$seq2seq" average --output mean model model
check "  the same translations" cmp greedy <("$seq2seq" translate mean <sources)
check "  only files of a model" [ -z "$(comm -23 <(ls mean) <(ls model))" ]
check "  the same weights" cmp mean/weights.safetensors model/weights.safetensors
check "  the same held-out pairs" cmp mean/held-out.tsv model/held-out.tsv
refuses "onto a model" 1 'mean|--restart' "$seq2seq" average shorter model --output mean
succeeds "of two stages of a run" "$seq2seq" average shorter model --output mean --restart
check "  other weights" not cmp -s mean/weights.safetensors model/weights.safetensors
means() { "$seq2seq" inspect "$1" --json | python3 -c 'import json, sys
for t in json.load(sys.stdin)["tensors"]: print(t["mean"])'; }
check "  whose means are the means" close <(means mean) \
  <(paste <(means shorter) <(means model) | awk '{ print ($1 + $2) / 2 }')
check "  a model like others" "$seq2seq" evaluate mean
refuses "average: in place of a model that it reads" 1 'mean/weights.safetensors|another --output' \
  "$seq2seq" average model mean/weights.safetensors --output mean --restart
refuses "average: in the folder of a model" 1 'model/inner|another place' \
  "$seq2seq" average model shorter --output model/inner
refuses "average: another seed" 1 'seeded|--seed|2' "$seq2seq" average --output other seeded model
refuses "average: other words" 1 'fewer|--symbols|7' "$seq2seq" average --output other fewer model
refuses "average: NaN" 1 'broken' "$seq2seq" average --output other broken model
refuses "average: no model" 1 'nowhere' "$seq2seq" average --output other model nowhere
check "  these left nothing behind" [ "$(echo other*)" = 'other*' ]
refuses "average: over a file" 1 '--output|sources' "$seq2seq" average --output sources model
refuses "average: no --output" 2 '--output' "$seq2seq" average model

check "average: of one model" grep -q '^the mean of 1 model,' <("$seq2seq" average --output single model)

# ---- Help ----
for command in translate evaluate score inspect average; do
  succeeds "$command --help" "$seq2seq" $command --help
  check "  with an example" grep -q "^  seq2seq $command" out
  refuses "$command without a model" 2 model "$seq2seq" $command
done
finish
