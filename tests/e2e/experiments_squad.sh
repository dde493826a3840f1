#!/usr/bin/env bash
# experiments squad: files that it writes and reads, training with either order, wrong files.
. "$(dirname "$0")/checks.sh"

squad=("$build/experiments" squad)
train=("${squad[@]}" --steps 4 --batch 8 --width 16 --heads 2 --held-out 20)

succeeds "it writes a file" "${squad[@]}" --write made.json --passages 40
check "  which says how much" grep -q 'made.json: 40 passages, .* questions' out
succeeds "  again the same" "${squad[@]}" --write again.json --passages 40
check "  byte for byte" cmp made.json again.json
for order in repeat tile; do
  succeeds "it trains on it with $order" "${train[@]}" --data made.json --order $order
  check "  and prints the scores" grep -Eq 'exact match [0-9.]+%, F1 [0-9.]+%' out
  check "  time and memory" grep -Eq 'order '$order': loss .*; [0-9.]+ s, [0-9.]+ MB' out
  mv out out.$order
done
check "with repeat no attention goes to padding" grep -q 'attention on padding 0.00%' out.repeat
check "  with tile some does" not grep -q 'attention on padding 0.00%' out.tile
check "  the orders differ" not diff -q <(grep -o 'at the end\|loss [0-9.]*' out.repeat) <(grep -o 'at the end\|loss [0-9.]*' out.tile)
succeeds "it trains with the question last" "${train[@]}" --data made.json --question last

# By hand: Unicode quotes, letters beyond the basic plane, an answer that stands twice, several
# answers, unknown fields, a passage without questions, and one of more than 600 words.
long=$(printf 'word %.0s' {1..600})
cat >odd.json <<EOF
{"version": "1.1", "extra": null, "data": [
 {"title": "Odd", "paragraphs": [
  {"context": "“Zoë” said 😀: the sea, the sea!", "qas": [
   {"id": "a", "question": "What did “Zoë” say?", "more": [1],
    "answers": [{"text": "the sea", "answer_start": 23}, {"text": "the sea", "answer_start": 14}]}]},
  {"context": "No question.", "qas": []},
  {"context": "${long}end.", "qas": [
   {"id": "b", "question": "", "answers": [{"text": "end", "answer_start": 3000}]}]},
  {"context": "$long", "qas": [
   {"id": "c", "question": "Which?", "answers": [{"text": "word", "answer_start": 5}]}]}]}]}
EOF
succeeds "oddities are read" "${train[@]}" --data odd.json --longest 700

# ---- Wrong files ---------------------------------------------------------------------------------
cut=$(head -c 500 made.json)
wrong() {  # NAME "PART|PART…" TEXT
  printf '%s' "$3" >wrong.json
  refuses "$1" 2 "experiments: wrong.json|$2" "${train[@]}" --data wrong.json
  check "  nothing on standard output" not test -s out
}
one() { printf '{"data":[{"title":"","paragraphs":[{"context":"Zoë 😀 met Otto.","qas":[{"id":"a","question":"?","answers":[%s]}]}]}]}' "$1"; }
place='data[0].paragraphs[0].qas[0]'
wrong "an empty file" "is empty" ""
wrong "a file that ends early" ":1:|not JSON|missing closing quote" "$cut"
wrong "text" ":1:|not JSON" "Who was Zoë?"
wrong "an empty list" "data is an empty list" '{"data":[]}'
wrong "another form" "data[0]|no field \"title\"" '{"data":[{}]}'
wrong "no answer" "$place has no answer|v1.1 is expected" "$(one '')"
wrong "an answer that is not there" "$place.answers[0]|\"Anna\"|not in its passage" "$(one '{"text":"Anna","answer_start":0}')"
wrong "bytes" "$place.answers[0].answer_start|bytes of UTF-8|begins at 10" "$(one '{"text":"Otto","answer_start":14}')"
wrong "UTF-16" "$place.answers[0].answer_start|UTF-16|begins at 10" "$(one '{"text":"Otto","answer_start":11}')"
wrong "a huge offset" "$place.answers[0].answer_start|not a whole number" "$(one '{"text":"Otto","answer_start":1e300}')"
wrong "one question" "two passages" "$(one '{"text":"Otto","answer_start":10}')"
printf '{"data": "\xff"}' >wrong.json
refuses "not UTF-8" 2 "wrong.json:1:11: not UTF-8" "${train[@]}" --data wrong.json
head -c 3000000 /dev/zero | tr '\0' '[' >wrong.json
refuses "deep nesting" 2 "wrong.json|nest deeper" "${train[@]}" --data wrong.json
refuses "no file" 2 "nowhere.json" "${train[@]}" --data nowhere.json
refuses "a folder" 2 "Is a directory" "${train[@]}" --data .

# ---- Wrong options -------------------------------------------------------------------------------
refuses "neither" 2 "--data FILE or --write FILE" "${squad[@]}"
refuses "both" 2 "--write|--data" "${squad[@]}" --data made.json --write x.json
refuses "another order" 2 "--order|repeat|tile" "${squad[@]}" --data made.json --order tyle
refuses "heads that do not divide the width" 2 "heads|width" "${squad[@]}" --data made.json --heads 3
refuses "sentences that do not fit" 2 "5 to 4" "${squad[@]}" --write x.json --min-sentences 5 --max-sentences 4
check "  nothing is written" not test -e x.json
refuses "a folder that is not there" 1 "nowhere/x.json" "${squad[@]}" --write nowhere/x.json
finish
