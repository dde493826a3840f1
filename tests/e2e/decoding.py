"""Computes what decoding.sh compares, from the files alone.

    decoding.py attention SOFT.json HARD.txt TABLE.txt COPIED.txt
    decoding.py mean BOTH.json ONE.json TWO.json
    decoding.py empty SOFT.json
    decoding.py ensemble TOGETHER MEMBER…
"""
import json
import math
import sys


def lines(name):
    with open(name, encoding="utf-8") as file:
        return file.read().splitlines()


def objects(name):
    return [json.loads(line) for line in lines(name)]


def aligned(answer):
    """The source token, without the end, that each token attends to most."""
    words = len(answer["source"]) - 1
    return [row.index(max(row[:words])) for row in answer["attention"]]


def without_end(tokens):
    return tokens[:-1] if tokens[-1:] == ["<eos>"] else tokens


def attention(soft, hard, table, copied):
    answers = objects(soft)
    assert answers
    for answer in answers:
        assert answer["source"][-1] == "<eos>"
        assert without_end(answer["target"]) == answer["answer"].split()
        assert len(answer["attention"]) == len(answer["target"])
        for row in answer["attention"]:
            assert len(row) == len(answer["source"])
            assert abs(sum(row) - 1) < 1e-5, sum(row)

    alignments = lines(hard)
    assert len(alignments) == len(answers)
    for answer, line in zip(answers, alignments):
        pairs = [f"{i}-{j}" for j, i in enumerate(aligned(answer)) if answer["target"][j] != "<eos>"]
        assert line.split() == pairs, (line, pairs)

    copies = [line.split("\t")[-1] for line in lines(copied)]
    assert len(copies) == len(answers)
    for answer, copy in zip(answers, copies):
        words = [answer["source"][i] if word == "<unk>" else word
                 for i, word in zip(aligned(answer), without_end(answer["target"]))]
        assert copy == " ".join(words), (copy, words)

    blocks = [block.splitlines() for block in "\n".join(lines(table)).split("\n\n")]
    assert len(blocks) == len(answers)
    for answer, (text, head, *rows) in zip(answers, blocks):
        assert text.split("\t")[-1] == answer["answer"]
        assert head.split() == answer["source"]
        assert [row.split()[0] for row in rows] == answer["target"]
        for row, weights in zip(rows, answer["attention"]):
            shown = [0 if cell == "·" else int(cell) for cell in row.split()[1:]]
            assert len(shown) == len(weights)
            assert all(abs(s - 100 * w) < 0.5001 for s, w in zip(shown, weights)), (shown, weights)


def mean(together, *members):
    for both, *apart in zip(objects(together), *map(objects, members)):
        assert all(both["target"] == answer["target"] for answer in apart)
        for row, *rows in zip(both["attention"], *(answer["attention"] for answer in apart)):
            for weight, *weights in zip(row, *rows):
                assert abs(weight - sum(weights) / len(weights)) < 1e-6


def empty(soft):
    full, nothing = objects(soft)
    assert nothing["line"] == 2 and nothing["answer"] == ""
    assert nothing["source"] == nothing["target"] == nothing["attention"] == []
    assert full["attention"] and full.keys() == nothing.keys()


def ensemble(together, *members):
    def scores(name):
        return [[token.rsplit(":", 1) for token in line.split("\t")[2].split(" ")]
                for line in lines(name)]

    everything = [scores(name) for name in (together, *members)]
    assert len({len(each) for each in everything}) == 1 and everything[0]
    for pair in zip(*everything):
        for (token, score), *others in zip(*pair):
            assert all(token == other for other, _ in others)
            p = sum(math.exp(float(other)) for _, other in others) / len(others)
            assert abs(float(score) - math.log(p)) < 1e-5, (token, score, math.log(p))


globals()[sys.argv[1]](*sys.argv[2:])
