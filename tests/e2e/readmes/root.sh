cp data/english-french.tsv my-pairs.tsv
