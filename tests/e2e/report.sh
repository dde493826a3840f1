#!/usr/bin/env bash
# seq2seq report: what a run writes down for it, and the page that it makes.
. "$(dirname "$0")/checks.sh"

head -n 300 "$repository/data/english-french.tsv" >pairs.tsv
small=(--width 16 --hidden 16 --heads 2)
train=("$seq2seq" train pairs.tsv "${small[@]}")
# says FILE EXPRESSION: about the data of a page, as j
says() {
  python3 - "$1" "$2" <<'PYTHON'
import json, re, sys
page = open(sys.argv[1], encoding="utf-8").read()
j = json.loads(re.search(r'<script type="application/json" id="data">([^<]*)</script>', page)[1])
sys.exit(not eval(sys.argv[2]))
PYTHON
}

# ---- One run ----
succeeds "train" "${train[@]}" --epochs 3 --output model
final=$(sed -n 's/^\(BLEU [0-9.]*\) on.*/\1/p' out)
parameters=$(grep -o '[0-9]* parameters' out)
check "it has records" test -s model/records.jsonl
succeeds "report" "$seq2seq" report model
check "  says where it is" grep -q 'model.html' out
check "  has the loss of each step" says model.html "len(j['runs'][0]['steps']['loss']) == j['runs'][0]['epochs'][-1]['step']"
check "  looks at the untrained model and at the last" \
  says model.html "[e['epoch'] for e in j['runs'][0]['samples'][0]['outputs']] == [0, 3]"
check "  has the attention of each block and head" \
  says model.html "[l['sizes'][0] for l in j['runs'][0]['attention'][0]['epochs'][0]['layers']] == [2] * 6"
check "  has the BLEU that train printed" says model.html "'BLEU %.2f' % j['runs'][0]['scores']['bleu']['value'] == '$final'"
check "  has the number of parameters" says model.html "'%d parameters' % j['runs'][0]['parameters'] == '$parameters'"
check "  has the settings and the seed" says model.html "['epochs', '3'] in j['runs'][0]['settings'] and j['runs'][0]['seed'] == '1'"
check "  names the machine" says model.html "'cores' in j['runs'][0]['machines'][0]"
check "  loads nothing" not grep -qE 'src=|<link|@import|url\(' model.html
check "  forbids to load anything" grep -q "default-src 'none'" model.html
check "  is small" [ "$(stat -c %s model.html)" -lt 1000000 ]
cp model.html first.html
succeeds "a report replaces a report" "$seq2seq" report model
check "  with the same" cmp first.html model.html
echo mine >notes.html
refuses "but no other file" 1 '--output|notes.html|not a report' "$seq2seq" report model --output notes.html
check "  which stays" [ "$(cat notes.html)" = mine ]
refuses "a folder that does not exist" 1 'nowhere/x.html' "$seq2seq" report model --output nowhere/x.html
refuses "a file in the folder of the model" 1 '--output|model/x.html|another place' \
  "$seq2seq" report model --output model/x.html
refuses "weights alone" 1 'give the folder of its run, model' "$seq2seq" report model/best.safetensors
"$seq2seq" average model model --output averaged >/dev/null
refuses "a model without a run" 1 'averaged|`average`|train --from' "$seq2seq" report averaged
refuses "a device" 1 'cannot write /dev/full' "$seq2seq" report model --output /dev/full
mkdir inside && cp -r model inside/model
(cd inside/model && run "$seq2seq" report . && [ $status = 0 ]) || failed "report of ."
check "a report of . is beside the folder, named after it" test -s inside/model.html
cp -r model "$(printf 'n%.0s' {1..250})"
refuses "a name that is too long" 1 'File name too long' "$seq2seq" report nnn*
check "two folders with one name" "$seq2seq" report model inside/model --output names.html
check "  are told apart" says names.html "j['runs'][0]['name'] != j['runs'][1]['name']"

# ---- Two runs ----
succeeds "another run" "${train[@]}" --epochs 2 --dropout 0 --output other
succeeds "both in a report" "$seq2seq" report model other --output both.html
check "  with the difference" says both.html \
  "abs(j['difference']['bleu']['value'] - (j['runs'][1]['scores']['bleu']['value'] - j['runs'][0]['scores']['bleu']['value'])) < 1e-9"
succeeds "a run with another split" "${train[@]}" --epochs 1 --seed 2 --output seeded
succeeds "both in a report" "$seq2seq" report model seeded --output apart.html
check "  without a difference" says apart.html "'difference' not in j"
refuses "three runs" 1 'two models' "$seq2seq" report model other seeded
refuses "none" 2 'models' "$seq2seq" report

# ---- Runs without what it needs ----
succeeds "train --records off" "${train[@]}" --epochs 2 --records off --output off
check "  writes none" test ! -e off/records.jsonl
check "  and changes no weight" cmp off/weights.safetensors <("${train[@]}" --epochs 2 --output on >/dev/null && cat on/weights.safetensors)
refuses "report of it" 1 'off|records.jsonl|--records off' "$seq2seq" report off
succeeds "it goes on with records" "${train[@]}" --resume --epochs 3 --output off
succeeds "  and the report" "$seq2seq" report off
check "  says that they are not complete" says off.html "'incomplete' in [w['title'] for w in j['runs'][0]['warnings']]"
check "  and ends with the same weights" cmp off/weights.safetensors model/weights.safetensors
refuses "report of no model" 1 nothing "$seq2seq" report nothing
cp -r model bad && head -c 500 model/records.jsonl >bad/records.jsonl
refuses "damaged records" 1 'bad/records.jsonl|complete line|delete it' "$seq2seq" report bad
sed '2s/^{/[/' model/records.jsonl >bad/records.jsonl
refuses "a wrong line" 1 'bad/records.jsonl|line 2|delete it' "$seq2seq" report bad
sed '1s/"format":1/"format":2/' model/records.jsonl >bad/records.jsonl
refuses "records of another version" 1 'bad/records.jsonl|another version|delete it' "$seq2seq" report bad
cp seeded/records.jsonl bad/
refuses "records of another model" 1 'bad/records.jsonl|does not belong' "$seq2seq" report bad
refuses "  and a resumed run refuses them" 1 'records.jsonl|does not belong|delete it' "${train[@]}" --resume --epochs 4 --output bad
rm bad/records.jsonl
refuses "no records" 1 'bad|records.jsonl|--resume' "$seq2seq" report bad
succeeds "the mean of two models" "$seq2seq" average --output mean model model
refuses "  has none" 1 'mean|records.jsonl|average' "$seq2seq" report mean
cp -r model piped && rm piped/records.jsonl && mkfifo piped/records.jsonl
refuses "a pipe as records" 1 'piped/records.jsonl' timeout 10 "$seq2seq" report piped
for kind in gru gru-attention; do
  succeeds "train a $kind" "$seq2seq" train pairs.tsv --model $kind --width 16 --epochs 1 --output $kind
  succeeds "  its report" "$seq2seq" report $kind
done
check "  without attention there is none" says gru.html "j['runs'][0]['attention'] == []"
check "  Bahdanau's is there" says gru-attention.html "j['runs'][0]['attention'][0]['epochs'][0]['layers'][0]['sizes'][0] == 1"
succeeds "no validation, nothing held out" "$seq2seq" train pairs.tsv "${small[@]}" --held-out 0 --validation 0 \
  --epochs 1 --output all
succeeds "  its report" "$seq2seq" report all
check "  has samples from the training pairs, and no scores" \
  says all.html "j['runs'][0]['split'] == 'training' and j['runs'][0]['scores'] is None"

# ---- A run that ended early ----
run "${train[@]}" --epochs 20 --batch 1000 --learning-rate 1e5 --clip 0 --optimizer sgd --output burst
check "a run whose gradient becomes infinite ends" [ $status = 1 ]
succeeds "  its report" "$seq2seq" report burst.partial --output burst.html
check "  says so" says burst.html "'not finite' in [w['title'] for w in j['runs'][0]['warnings']]"

# ---- Texts ----
word=$(printf 'w%.0s' {1..10000})
printf '</script><script>alert(1)</script> a\t\xe2\x80\xaex "quoted" <b>\n%s\t%s\n<!-- --> &amp;\t</SCRIPT>\n' "$word" "$word" >odd.tsv
for i in {1..30}; do printf 'one %d\tun %d\n' $i $i; done >>odd.tsv
succeeds "train on hostile texts" "$seq2seq" train odd.tsv "${small[@]}" --min-frequency 1 --epochs 2 --validation 0.5 --output odd
succeeds "  report" "$seq2seq" report odd
check "  the data ends where it should" says odd.html "len(j['runs']) == 1"
check "  there are two scripts" [ "$(grep -c '<script' odd.html)" = 2 ]
check "  a few MB at most" [ "$(stat -c %s odd.html)" -lt 4000000 ]
finish
