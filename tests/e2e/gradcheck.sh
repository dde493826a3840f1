#!/usr/bin/env bash
# The program gradcheck: what it prints, and how it takes wrong use.
. "$(dirname "$0")/checks.sh"

gradcheck=$build/gradcheck

succeeds "a chosen operation" "$gradcheck" log_softmax
check "has a line of its own" grep -qE '^log_softmax +[0-9]+ +2 .* ok ' out
check "and no other operation has one" not grep -q '^softmax' out
check "the last line counts" grep -qE '^[0-9]+ checks, 0 failed, in ' out
succeeds "a layer, to first order" "$gradcheck" --order 1 'add-norm, pre'
check "says the order" grep -qE '^add-norm, pre +[0-9]+ +1 ' out
succeeds "what has no derivative" "$gradcheck" argmax
check "is listed as such" grep -qE '^argmax +no derivative' out

refuses "an unknown name" 2 "named 'nonsense'" "$gradcheck" nonsense
refuses "an order that is none" 2 "--order" "$gradcheck" --order 0
refuses "an unknown option" 2 "--bogus" "$gradcheck" --bogus
finish
