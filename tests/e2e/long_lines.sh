#!/usr/bin/env bash
# Sentences that are too long for a model, and lines that are no pairs: --too-long and --on-error of
# translate, score and evaluate.
. "$(dirname "$0")/checks.sh"

"$seq2seq" train --task copy --max-length 4 --max-tokens 6 --symbols 5 --train-count 200 --held-out-count 10 \
  --min-frequency 1 --width 16 --hidden 16 --epochs 2 --batch 16 --output model >/dev/null
long='1 2 3 4 1 2 3 4'
printf '%s\n' "1 2" "$long" "3" >lines
lines() { wc -l <"$1"; }

# ---- translate ----
run "$seq2seq" translate model --too-long skip <lines
check "translate --too-long skip: code 0, without a word" [ "$status-$(lines err)" = 0-0 ]
check "  an empty answer" cmp out <("$seq2seq" translate model "1 2" "" "3")
run "$seq2seq" translate model --too-long cut <lines
check "translate --too-long cut: code 0, one line" [ "$status-$(lines err)" = 0-1 ]
check "  says what was cut" grep -qF 'standard input, line 2: a sentence of 8 tokens; only its first 6 are used' err
check "  answers the beginning" cmp out <("$seq2seq" translate model "1 2" "${long:0:11}" "3")
run "$seq2seq" translate model --too-long cut --quiet "$long"
check "  --quiet says nothing" [ "$status-$(lines err)" = 0-0 ]
refuses "translate: too long as before" 1 'standard input, line 2: a sentence of 8 tokens' \
  bash -c "'$seq2seq' translate model <lines"
for command in "translate|give it an empty answer" "score|print an empty line" "evaluate|leave it out"; do
  check "${command%|*} --help says what --too-long skip does" \
    grep -qF "an error, ${command#*|}, or" <("$seq2seq" "${command%|*}" --help | tr -s ' \n' ' ')
done
head -c 1100000 /dev/zero | tr '\0' 1 >huge
cat lines huge >huge_last
run "$seq2seq" translate model --too-long skip <huge_last
check "translate --too-long skip: a line of over 1 MiB" [ "$status-$(lines err)-$(lines out)" = 0-0-4 ]
run "$seq2seq" score model --too-long skip --quiet <(paste huge huge; printf '1\t1\n')
check "score, too" [ "$status-$(lines err)-$(lines out)-$(head -c 1 out)" = $'0-0-2-' ]
refuses "the remedy is named" 1 '1048576 bytes|--too-long skip' "$seq2seq" score model <(paste huge huge)
refuses "  by translate" 1 '8 tokens|--too-long skip|--too-long cut' "$seq2seq" translate model "$long"
refuses "  by evaluate" 1 '8 tokens|--too-long skip|--too-long cut' \
  "$seq2seq" evaluate model <(printf '%s\t1\n' "$long")

# ---- score ----
printf '%s\t%s\n' "1 2" "1 2" "$long" "$long" "3" "3" >long.tsv
printf '1 2\t1 2\nno tab\n3\t3\n' >wrong.tsv
printf '1 2\t1 2\n3\t3\n' >right.tsv
"$seq2seq" score model right.tsv >scores 2>perplexity
for case in "--too-long skip|long.tsv|0" "--on-error continue|long.tsv|1" "--on-error continue|wrong.tsv|1"; do
  IFS='|' read -r option file code <<<"$case"
  # shellcheck disable=SC2086
  run "$seq2seq" score model $option $file
  check "score $option $file: code $code" [ "$status" = "$code" ]
  check "  an empty line in its place" [ "$(sed -n 2p out)-$(lines out)" = -3 ]
  check "  the others have their scores" cmp <(sed 2d out) scores
  check "  and the perplexity is theirs" cmp <(tail -n 1 err) perplexity
  check "  it is reported unless skipped" [ "$(grep -c "$file:2: " err)" = "$code" ]
done
run "$seq2seq" score model --too-long cut long.tsv
check "score --too-long cut" [ "$status-$(lines out)-$(grep -c 'long.tsv:2: a sentence of 8 tokens' err)" = 0-3-1 ]
check "  scores the beginning" [ "$(sed -n 2p out)" = "$("$seq2seq" score model --quiet < <(printf '%s\t%s\n' "${long:0:11}" "$long"))" ]
refuses "score: stops by default" 1 'wrong.tsv:2|no tab' "$seq2seq" score model wrong.tsv --quiet
run "$seq2seq" score model <(printf '3\t3\n')
check "score: one pair is one pair" grep -q ' on 1 pair, ' err
printf '%s\t1\n' "$long" >only.tsv
run "$seq2seq" score model --too-long skip only.tsv
check "score: nothing left" grep -q 'no pairs to score' err

# ---- evaluate ----
"$seq2seq" evaluate model right.tsv >figures
figures() { grep -vE '^(left out|[0-9]+ pairs? cut)' "$1"; }
run "$seq2seq" evaluate model --too-long skip long.tsv
check "evaluate --too-long skip: code 0" [ "$status-$(lines err)" = 0-0 ]
check "  counts what it leaves out" grep -qxF 'left out: 1 pair longer than 6 tokens (up to 8)' out
check "  the figures are those of the others" cmp <(figures out) figures
run "$seq2seq" evaluate model --on-error continue wrong.tsv
check "evaluate --on-error continue: code 1" [ $status = 1 ]
check "  names the first line" grep -qF 'left out: 1 line; wrong.tsv:2: no tab' out
check "  the figures are those of the others" cmp <(figures out) figures
run "$seq2seq" evaluate model --on-error continue long.tsv
check "  a long pair, too" [ "$status-$(grep -c '^left out: 1 pair' out)" = 1-1 ]
run "$seq2seq" evaluate model --too-long cut long.tsv
check "evaluate --too-long cut" grep -qxF '1 pair cut to 6 tokens' out
run "$seq2seq" evaluate model --too-long skip --json long.tsv
check "  in JSON" grep -q '"sentences":2,"left_out":1,' out
run "$seq2seq" evaluate model --on-error continue --json wrong.tsv
check "  there the reason is on standard error" grep -qF 'left out: 1 line; wrong.tsv:2: no tab' err
printf 'a\nb\nc\n' >references
run "$seq2seq" evaluate model --too-long skip --references references -- long.tsv
check "references of what is left out are left out" [ "$status" = 0 ]
check "one sentence is one sentence" grep -q ' on 1 sentence, ' <("$seq2seq" evaluate model <(printf '3\t3\n'))
refuses "evaluate: stops by default" 1 'wrong.tsv:2|no tab' "$seq2seq" evaluate model wrong.tsv
refuses "evaluate: too long by default" 1 'long.tsv:2|8 tokens' "$seq2seq" evaluate model long.tsv
refuses "evaluate: only for files" 1 '--too-long|file of pairs' "$seq2seq" evaluate model --too-long skip
finish
