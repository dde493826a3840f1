#!/usr/bin/env bash
# experiments squad: reading files in the form of SQuAD v1.1, training on them, and what is wrong with others.
. "$(dirname "$0")/checks.sh"

squad() { "$build/experiments" squad "$@"; }

succeeds "writing passages and questions" squad --write made.json --passages 40 --questions 2
succeeds "training on them" squad --data made.json --steps 20 --threads 1
check "  answers held-out questions" grep -qE 'held out: exact match [0-9.]+%, F1 [0-9.]+%' out
check "  no attention goes to padding" grep -q 'attention on padding 0.00%' out
succeeds "with tiled lengths" squad --data made.json --steps 20 --order tile
check "  some does" not grep -q 'attention on padding 0.00%' out

# ---- Files that are not in that form -------------------------------------------------------------
broken() {  # NAME TEXT PARTS: a file with this text is refused
  printf '%s' "$2" >broken.json
  refuses "$1" 2 "broken.json|$3" squad --data broken.json
}
# CONTEXT ANSWER START: a file with one passage and one question
one() {
  printf '{"data": [{"title": "t", "paragraphs": [{"context": "%s", "qas": [{"id": "1", "question": "Who?",
    "answers": [{"text": "%s", "answer_start": %s}]}]}]}]}' "$@"
}
place='data[0].paragraphs[0].qas[0].answers[0].answer_start'
broken "an empty file" "" "the file is empty"
broken "text that is no JSON" '{"data": [' "1:1|not JSON"
broken "no data" '{}' "data"
broken "an answer that is not in its passage" "$(one 'Ann is here.' Bob 0)" "qas[0].answers[0]|Bob"
broken "an offset that is wrong" "$(one 'Ann is here.' here 3)" "$place is 3|begins at 7"
broken "an offset in bytes" "$(one 'Zoë is here.' here 8)" "$place is 8|bytes of UTF-8|begins at 7"
broken "an offset in UTF-16" "$(one 'A 😀 is here.' here 8)" "$place is 8|UTF-16|begins at 7"
broken "a negative offset" "$(one 'Ann is here.' here -1)" "$place"
broken "a huge offset" "$(one 'Ann is here.' here 1e300)" "$place"
broken "bytes that are not UTF-8" "$(one $'Ann \xff is here.' here 7)" ""
broken "deep nesting" "$(printf '[%.0s' $(seq 100000))" ""
refuses "no file" 2 "none.json" squad --data none.json
refuses "neither reading nor writing" 2 "--data FILE|--write FILE" squad
finish
