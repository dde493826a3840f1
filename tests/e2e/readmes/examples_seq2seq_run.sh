# The run that is resumed and the model that another run begins with; few pairs; and a log that has
# the fields that the page shows.
build/seq2seq train data/english-french.tsv --output build/my-model --epochs 1 --width 32 --hidden 32
build/seq2seq train data/english-french.tsv --output build/logged --epochs 1 --width 32 --hidden 32 \
  --log log --validation-bleu
head -n 50 data/english-french.tsv >few.tsv
fields() { sed 's/:[^,}]*//g' "$1" | sort -u; }
diff <(fields text1) <(fields log) || wrong "the log has other fields than the page shows"
