# What people bring is made here in a few lines each, and a minute of training becomes a moment.
# tests/e2e/readmes.py runs every command of the page with this, so an option that is wrong there fails.
sed -i 's/--epochs [0-9]*/--epochs 3/; s/--train-count [0-9]*/--train-count 300/; s/--warm-up [0-9]*/--warm-up 2/
  s/--width [0-9]*/--width 16/; s/--hidden [0-9]*/--hidden 16/
  s/--held-out 0\.[0-9]*/--held-out 0.2/' sh*
awk -F '\t' '{ print $1 "\t" $2 "\tsomebody wrote this" }' data/english-french.tsv >fra.txt
words=$PWD/american-english-small
cut -f 1 data/english-french.tsv | grep -oE "[A-Za-z']+" | sort -u >$words
sed -i "s|/usr/share/dict/american-english-small|$words|" sh*
espeak-ng() { sed "s/./ˈ& /g; s/^/ /"; }  # its form: a blank, then each sound with a mark and a blank
for i in 1 2 3 4 5 6 7 8 9; do
  printf 'I have %s books.\t我有%s本書。\tby\nShe reads %s letters.\t她讀%s封信。\tby\n' $i $i $i $i
done >cmn.txt
uconv() { sed 's/書/书/; s/讀/读/' "$3"; }
