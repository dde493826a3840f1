"""What the records for `seq2seq report` cost: whole trainings with --records on and off, in turn.

    python3 tests/benchmarks/records.py [--pairs N] [--program build/seq2seq] [-- TRAIN OPTIONS]

Prints the processor time (user and system, so other programs matter little) that the records add, in
percent of a training without them: the mean over the pairs and its 95% interval (Student's t).
The options default to a fifth of `make train`.
"""
import argparse
import math
import os
import statistics
import sys
import tempfile

STUDENT_975 = [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
               2.131, 2.120, 2.110, 2.101, 2.093]


def seconds(program, options, records, folder):
    command = [program, "train", *options, "--output", os.path.join(folder, "model"), "--restart", "--records", records]
    child = os.posix_spawn(program, command, os.environ,
                           file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"records: failed: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10, help="from 2 to 20")
    parser.add_argument("--program", default="build/seq2seq")
    parser.add_argument("options", nargs="*", default=["data/english-french.tsv", "--epochs", "6"])
    given = parser.parse_args()
    added, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(given.pairs):
            times = {}
            for records in ("on", "off") if i % 2 == 0 else ("off", "on"):
                times[records] = seconds(given.program, given.options, records, folder)
            plain.append(times["off"])
            added.append(100 * (times["on"] - times["off"]) / times["off"])
    mean = statistics.mean(added)
    half = STUDENT_975[given.pairs - 2] * statistics.stdev(added) / math.sqrt(given.pairs)
    print(f"{' '.join(given.options)}: {statistics.mean(plain):.2f} s without records; they add {mean:.2f}% "
          f"({mean - half:.2f}% to {mean + half:.2f}%, {given.pairs} pairs)")


main()
