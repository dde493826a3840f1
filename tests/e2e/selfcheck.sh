#!/usr/bin/env bash
# The program selfcheck, which make gradcheck runs: what it prints, and how it takes wrong use.
. "$(dirname "$0")/checks.sh"

selfcheck=$build/selfcheck

succeeds "a chosen operation" "$selfcheck" cumsum
check "has a line of its own" grep -qE '^cumsum +[0-9]+ +2 .* ok ' out
check "and no other operation has one" not grep -q '^sum ' out
check "the last line counts" grep -qE '^[0-9]+ checks, 0 failed, in ' out
succeeds "a layer, to first order" "$selfcheck" --order 1 'add-norm, pre'
check "says the order" grep -qE '^add-norm, pre +[0-9]+ +1 ' out
succeeds "what has no derivative" "$selfcheck" argmax
check "is listed as such" grep -qE '^argmax +no derivative' out

succeeds "a report for machines" "$selfcheck" --order 1 --junit report.xml cumsum
cat >junit.py <<'PYTHON'
import sys, xml.etree.ElementTree
suite = xml.etree.ElementTree.parse("report.xml").getroot().find("testsuite")
tests = suite.findall("testcase")
count = int(sys.argv[1])
assert len(tests) == count == int(suite.get("tests")), (len(tests), count)
assert suite.get("failures") == suite.get("errors") == "0"
assert all(float(test.get("time")) > 0 for test in tests)
assert any(test.get("classname") == "operation.cumsum" for test in tests)
PYTHON
check "has a test case for each check" python3 junit.py "$(sed -nE 's/^([0-9]+) checks.*/\1/p' out)"

refuses "an unknown name" 2 "named 'nonsense'" "$selfcheck" nonsense
refuses "an order that is none" 2 "--order" "$selfcheck" --order 0
refuses "an unknown option" 2 "--bogus" "$selfcheck" --bogus
refuses "a report that cannot be written" 2 "missing/report.xml" "$selfcheck" --junit missing/report.xml argmax

succeeds "the table of Taylor rates: all are 2, and lower if the gradient is 1% wrong" \
  "$selfcheck" --taylor
operations() { sed -n 's/^| \(`[a-z0-9_]*`\) | [0-9].*/\1/p' "$1"; }
check "  the README has a row for each operation" \
  diff <(operations out) <(operations "$repository/tests/checks/README.md")
finish
