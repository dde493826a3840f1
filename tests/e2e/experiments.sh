#!/usr/bin/env bash
# The program experiments: what it writes, the same numbers from any number of threads, wrong input.
. "$(dirname "$0")/checks.sh"

experiments=$build/experiments

succeeds "an experiment" "$experiments" orthogonality --quick --output one --threads 1
check "  prints a table and the answer" grep -q '^| ' out
check "  keeps its numbers" grep -q '^quantity,arm,x,seed,value$' one/orthogonality.csv
check "  and a page" grep -q '^# ' one/orthogonality.md
if command -v gnuplot >/dev/null; then check "  and a picture" grep -q '</svg>' one/orthogonality.svg; fi

succeeds "with two threads" "$experiments" orthogonality --quick --output two --threads 2
numbers() { grep -v '^#' "$1/orthogonality.csv"; }
check "  the same numbers" diff <(numbers one) <(numbers two)

if command -v gnuplot >/dev/null; then
  mkdir bin
  run env PATH="$work/bin" "$experiments" orthogonality --quick --output three
  check "without gnuplot the numbers are kept all the same" diff <(numbers one) <(numbers three)
  check "  and a line says what is missing" grep -q 'gnuplot is not installed; install it' err
fi

# ---- README.md and pages from stored numbers -----------------------------------------------------
mkdir page
cp -r "$repository/examples/experiments/results" page/results
cp "$repository/examples/experiments/README.md" page/README.md
succeeds "pages are made again" "$experiments" readme --results page/results
check "  README.md is as it was" diff "$repository/examples/experiments/README.md" page/README.md
check "  and so are the pages" diff -r --exclude='*.svg' "$repository/examples/experiments/results" page/results
sed -i 's/^\(quantity,arm\)/broken\1/' page/results/positions.csv
refuses "results that are no results" 1 "positions.csv'|expected 'quantity,arm" "$experiments" readme --results page/results
check "  README.md is as it was" diff "$repository/examples/experiments/README.md" page/README.md

# ---- Wrong input ---------------------------------------------------------------------------------
refuses "no experiment" 2 "a command is required|positions" "$experiments"
refuses "a misspelt one" 2 "potions|did you mean positions?" "$experiments" potions
refuses "a misspelt option" 2 "--quik|did you mean --quick?" "$experiments" positions --quik
refuses "one seed" 2 "--seeds|from 2 to 1000" "$experiments" positions --seeds 1
refuses "a folder that cannot be written" 1 "/proc/none" "$experiments" orthogonality --quick --output /proc/none
refuses "results that are not there" 1 "nowhere" "$experiments" readme --results nowhere/results
finish
