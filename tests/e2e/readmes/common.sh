# What the commands of all pages find. They run in a folder that looks like the repository ($root).
where="tests/e2e/readmes"
trap 'status=$?; [ $status = 0 ] || echo "in $where" >&2' EXIT

# A page says what is wrong with its commands by its exit code, in the middle of a line, too.
wrong() { echo "$*" >&2; exit 1; }

# A short corpus, so that training on it takes a moment.
mkdir data
head -n 40 "$root/data/english-french.tsv" >data/english-french.tsv

# Everything is built, so make builds nothing here and runs nothing. It only looks whether its targets
# and variables exist, and what tests the target itself.
make() {
  local word variable
  for word; do
    case $word in
      build/san-*) ;;                           # minutes; part of make fuzz-seeds
      build/*) [ -x "$word" ] || wrong "make $word: there is no such program" ;;
      *=*)
        variable=${word%%=*}
        grep -qE "\\\$\($variable\)|^$variable \?=" "$root/Makefile" || wrong "make: no variable $variable" ;;
      *)
        grep -qE "^$word:" "$root/Makefile" || wrong "make: no target $word"
        case $word in
          train | compare) ;;                       # minutes; seq2seq.sh trains less
          lessons) ;;                               # tests/examples/lessons_test.cpp
          gradcheck) ;;                             # selfcheck.sh
          explore) ;;                               # serves until it is ended; explore.sh, browser.sh
          bench) ;;                                 # half an hour; benchmarks.sh takes less
          install | uninstall | library) ;;         # install.sh
          fuzz | race) ;;                           # need clang, minutes; the next three take less
          fuzz-seeds | race-program | starve) ;;    # parts of make check
          test | mutations | check | format) ;;     # likewise
          docs) ;;                                  # needs Doxygen
          *) wrong "make $word: name in tests/e2e/readmes/common.sh what tests it" ;;
        esac ;;
    esac
  done
}

# The lessons' trainings are shortened.
for lesson in build/[0-9]* build/solutions/*; do
  [ -e "$lesson" ] || continue
  program=$(readlink -f "$lesson")
  rm "$lesson"
  printf '#!/bin/sh\nexec %s --quick "$@"\n' "$program" >"$lesson"
  chmod +x "$lesson"
done

# The system's Python, which has NumPy if it is installed.
mkdir bin
if [ -x /usr/bin/python3 ]; then ln -s /usr/bin/python3 bin; fi
export PATH=$PWD/bin:$PATH
has_numpy() { python3 -c 'import numpy' 2>/dev/null; }
export PYTHONDONTWRITEBYTECODE=1
