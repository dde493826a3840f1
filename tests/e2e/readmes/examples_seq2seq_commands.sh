# The models that are reported.
for name in my-model first second; do
  build/seq2seq train data/english-french.tsv --output build/$name --epochs 1 --width 32 --hidden 32
done
cut -f 1 data/english-french.tsv | head -n 5 >english.txt
