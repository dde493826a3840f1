#!/usr/bin/env bash
# The program explain: the examples of its README, wrong input, and the prompt.
. "$(dirname "$0")/checks.sh"

explain=$build/explain
prints() {  # NAME TEXT COMMAND…: exit code 0, nothing on standard error, and that text
  local name=$1 text=$2
  shift 2
  succeeds "$name" "$@"
  check "  prints $text" grep -qF -e "$text" out
}

# ---- The examples of the README ------------------------------------------------------------------
ln -s "$build" build  # the examples run build/explain
readme=$repository/examples/explain/README.md
# `$ COMMAND`, and below it what it prints.
examples=0
compare_example() {
  [ -n "$command" ] || return 0
  examples=$((examples + 1))
  bash -c "$command" >said 2>&1 || true
  check "README: $command" diff said <(printf '%s' "$expected")
  command=
}
command= expected=
while IFS= read -r line; do
  case $line in
    '$ '*) compare_example; command=${line#'$ '}; expected= ;;
    '```') compare_example ;;
    *) expected+=$line$'\n' ;;
  esac
done < <(awk '/^```/ { inside = !inside; plain = $0 == "```console"; if (!inside) print; next } inside && plain' "$readme")
check "  there are examples" [ "$examples" -ge 5 ]

prints "a scalar" "35.7052" "$explain" "(x*y + sin(x))^2" x=2 y=3
prints "attention" "-0.6256" "$explain" "sum(softmax(q @ k' / sqrt(2)) @ v)" "q=[[1,0],[0,1]]" "k=[[1,1],[0,2]]" "v=[[1,2],[3,4]]"
prints "several statements" "gradients" "$explain" "h = tanh(w @ x + b); sum(h*h)" "w=[[1,2],[0,1]]" "x=[0.5,-1]" "b=[0,0.1]"
prints "a gradient check" "gradcheck: ok" "$explain" "sum(softmax(x) * x)" "x=[1,2,3]" --gradcheck --order 2
prints "second derivatives" "∂²/∂x²" "$explain" "x^3" x=2 --order 2
prints "a sign in front" "-6" "$explain" "-x^2" x=3
prints "two signs in front, after --" "6" "$explain" -- "--x^2" x=3
prints "inputs in front" "6" "$explain" x=3 "x^2"
prints "a result with a name" "6" "$explain" "y = x^2" x=3
prints "f32" '"dtype":"f32"' "$explain" "x^2" x=3 --f32 --json
prints "a drawing" "digraph" "$explain" "x^2" x=3 --dot
prints "nothing to differentiate" "2.0" "$explain" "1 + 1"
prints "help" "Exit codes" "$explain" --help
prints "help, in short" "Exit codes" "$explain" -h
prints "an expression of one letter" "-2" "$explain" -x x=2
prints "help on a function" "x̄ = ȳ cos x" "$explain" help sin
prints "the functions" "attention_weights(" "$explain" help
succeeds "JSON" "$explain" "softmax(x)" "x=[1,2]" --json
check "  is JSON" python3 -c "import json; assert json.load(open('out'))['schema'] == 1"
run "$explain" "sin(x) * detach(x)" x=2 --gradcheck
check "a wrong derivative exits with 1" [ "$status" = 1 ]

run "$explain" "sqrt(x)" x=0 --gradcheck
check "a slope that is infinite exits with 3" [ "$status" = 3 ]

# ---- Wrong input: one line with the column, exit code 2 ------------------------------------------
refuses "an unknown function" 2 "explain: column 5: there is no function 'sine'; did you mean 'sin'" "$explain" "1 + sine(x)" x=2
refuses "shapes that do not fit" 2 "column 3: matmul: inner sizes differ" "$explain" "a @ b" "a=[[1,2]]" "b=[[1,2]]"
refuses "a name without a value" 2 "column 5: the name 'z' has no value" "$explain" "x + z" x=2
refuses "a value without use" 2 "input z, column 1: 'z' is not used" "$explain" "x + 1" x=2 z=3
refuses "a value twice" 2 "input x, column 1: the name 'x' already has a value" "$explain" "x + 1" x=2 x=3
refuses "an input that is none" 2 "inputs are written name=value" "$explain" "x + 1" 3
refuses "an input without a name" 2 "an input, column 1: expected" "$explain" "x + 1" =3
refuses "too many second derivatives" 2 "column 1: second derivatives are shown for at most 64" "$explain" "sum(x)" "x=normal(65)" --order 2
check "  before anything is printed" [ ! -s out ]
refuses "a ragged list" 2 "input x, column 10: the items of a list must have the same shape" "$explain" "x + 1" "x=[[1,2],[3]]"
refuses "a NaN" 2 "column 1: the result has a nan: this log gives one" "$explain" "log(x)" x=-1
refuses "a NaN that is given" 2 "input x, column 3: the result is nan" "$explain" "x + 1" x=nan
refuses "nothing" 2 "column 1: expected" "$explain" ""
refuses "a huge number" 2 "column 1: f64 cannot hold" "$explain" "1e999"
refuses "a huge tensor" 2 "column 7: zeros: shape" "$explain" "zeros([1e5, 1e5])"
refuses "bytes that are not UTF-8" 2 "column 2: this is not UTF-8" "$explain" $'x\xff' x=2
refuses "a control character" 2 'column 1: unexpected character \u0007' "$explain" $'\a'
refuses "10,000 brackets" 2 "column 201: nested too deeply" "$explain" "$(printf '(%.0s' {1..10000})"
refuses "an unknown option" 2 "no option --bogus" "$explain" x --bogus
refuses "another order" 2 "--order" "$explain" x x=2 --order 3
refuses "an order with a letter" 2 "--order takes 1 or 2, not 2x" "$explain" x x=2 --order=2x
refuses "no order" 2 "--order takes 1 or 2" "$explain" x x=2 --order
refuses "an option of one letter" 2 "there is no option -o" "$explain" x x=2 -o 2
refuses "two signs in front" 2 "an expression that begins with -- goes into brackets" "$explain" --x x=2
refuses "a space after =" 2 "x has no value: write x=2, without spaces" "$explain" "x^2" x= 2
refuses "spaces around =" 2 "without spaces or in quotes" "$explain" "x^2" x = 2
refuses "an input before what it uses" 2 "input y, column 3: 'x' gets its value only after this" "$explain" "y*2" y=x x=2
refuses "a check of many elements" 2 "at most 1000 input elements are checked" "$explain" "sum(x^2)" "x=normal([1000000])" --gradcheck
refuses "a directory" 2 "cannot read standard input" bash -c "'$explain' </tmp"
refuses "a closed input" 2 "cannot read standard input" bash -c "'$explain' <&-"
refuses "a page and JSON" 2 "omit --json" "$explain" x x=2 --json --html page.html
refuses "a page of a check" 2 "omit --html" "$explain" x x=2 --gradcheck --html page.html
refuses "a page of nothing" 2 "there is no tape" "$explain" 1+1 --html page.html
refuses "a page without an expression" 2 "--html needs an expression" "$explain" --html page.html
refuses "a page without a name" 2 "--html takes a file name" "$explain" x x=2 --html
check "  which writes no page" [ ! -e page.html ]
refuses "a page without dot" 2 "install it with apt-get install graphviz" env PATH=/nowhere "$explain" x^2 x=2 --html page.html
check "  which writes no page" [ ! -e page.html ]
if command -v dot >/dev/null; then
  prints "a page" "the page is in page.html" "$explain" "sum(x^2)" "x=[1,2]" --html page.html
  check "  with its policy" grep -qF "default-src 'none'" page.html
  refuses "a page in a folder that is not there" 2 "no/page.html" "$explain" x^2 x=2 --html no/page.html
fi
refuses "two drawings" 2 "give one" "$explain" x x=2 --json --dot
refuses "a drawing of a check" 2 "omit --dot" "$explain" x x=2 --gradcheck --dot
refuses "a check of nothing" 2 "nothing to check" "$explain" 1+1 --gradcheck
refuses "a drawing of nothing" 2 "there is no tape" "$explain" 1+1 --json
python3 -c "print('1+' * 600000)" >megabyte
refuses "a megabyte" 2 "line 1, column 1000001: the text is too long" bash -c "'$explain' <megabyte"
refuses "a full disk" 2 "cannot write standard output" bash -c "'$explain' 1+1 >/dev/full"
run bash -c "set -o pipefail; '$explain' help | head -n 1"
check "a closed pipe is no error message" [ ! -s err ]

# ---- The prompt ----------------------------------------------------------------------------------
printf 'x = 2\nh = x^2\nsin(\nh * 3\nhelp sin\nquit\nnever\n' >lines
run bash -c "'$explain' <lines"
check "lines from a file" grep -qF -e '= 12' out
check "  help" grep -qF -e 'x̄ = ȳ cos x' out
check "  one error, with its line" grep -qxF -e "explain: line 3, column 5: expected a number, a name, a list or a bracket, not the end of the text" err
check "  which the exit code tells" [ "$status" = 2 ]
check "  no prompt" not grep -q '^>' out
run bash -c "printf 'x=2\nx+1' | '$explain' --f32 --json"
check "options hold for all lines" grep -q '"dtype":"f32"' out
finish
