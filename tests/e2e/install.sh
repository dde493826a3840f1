#!/usr/bin/env bash
# The library as others use it: a staged installation moves to its final place, and a program that is
# not ours is built against it with pkg-config and with CMake, shared and static.
# shellcheck disable=SC2046,SC2086  # several flags in one string
. "$(dirname "$0")/checks.sh"

cxx=${CXX:-g++}
prefix=$work/prefix
to() { make -C "$repository" --no-print-directory "$1" PREFIX="$prefix" DESTDIR="$work/stage"; }

# ---- Installation --------------------------------------------------------------------------------
check "make install" to install
check "… touches nothing outside of DESTDIR" [ ! -e "$prefix" ]
check "… leaves no trace of the staging folder" not grep -rq "$work/stage" "$work/stage"
mv "$work/stage$prefix" "$prefix"

version=$(sed -n 's/.* version = "\(.*\)";/\1/p' "$repository/autograd/support/version.h")
shared=libadjoint.so.$version
check "the shared library has the version in its name" [ -f "$prefix/lib/$shared" ]
check "… and in its soname" grep -qF "[$shared]" <(readelf -d "$prefix/lib/$shared" | grep SONAME)
check "… and a link points to it" [ "$(readlink "$prefix/lib/libadjoint.so")" = "$shared" ]
installed=$prefix/bin/seq2seq
check "seq2seq is installed, with the same version" grep -q "^adjoint $version," <("$installed" --version)
check "… and needs nothing of the build" not grep -qF "$build" <(readelf -d "$installed")

# ---- A program that is not ours ------------------------------------------------------------------
mkdir consumer
cat >consumer/consumer.cpp <<'PROGRAM'
#include <iostream>

#include "adjoint.h"

using namespace adjoint;

void claim(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "wrong: " << what << '\n';
  std::exit(1);
}

int main() {
  const Tensor x = variable(normal({3, 4}, 0, 1, Key(1), DType::f64), "x");
  const auto f = [](const Tensors& in) { return Tensors{softmax(sin(in[0]))}; };
  claim(bool(gradcheck(f, {x}, {.order = 2})), "a gradient check");
  {
    const NoRecording guard;
    claim(!sin(x).tracked(), "the library sees a guard that the program sets");
  }
  try {
    matmul(x, x);
    claim(false, "an error");
  } catch (const Error&) {
  }

  nn::TransformerConfig config;
  config.source_tokens = config.target_tokens = 7;
  config.width = config.hidden = 8;
  nn::Transformer model(config, Key(2));
  const auto optimizer = nn::make_optimizer("adam", nn::parameters(model), {.learning_rate = 0.01});
  nn::Trainer trainer(model, *optimizer);
  const std::vector<nn::Ids> sentences = {{1, 4, 5, 6, 2}, {1, 3, 2}};
  const double before = trainer.evaluate(sentences, sentences).loss;
  for (int step = 0; step < 5; ++step) trainer.step(sentences, sentences);
  claim(trainer.evaluate(sentences, sentences).loss < before, "training");

  for (const std::string& name : registered_operations()) std::cout << name << '\n';
}
PROGRAM
# Every operation registers itself, whether or not the program calls it.
grep -rh 'static constexpr auto name = "' "$repository"/{autograd,nn} --include='*.cpp' |
  grep -o '"[^"]*"' | tr -d '"' | sort >operations
check "there are operations" [ "$(wc -l <operations)" -gt 50 ]

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
flags=(-std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fvisibility=hidden)
# build OUT LIBRARY…: compiles the first time, then links with these libraries
build() {
  local out=$1
  shift
  [ -e consumer.o ] ||
    "$cxx" "${flags[@]}" $(pkg-config --cflags adjoint) -c consumer/consumer.cpp -o consumer.o || return
  "$cxx" -pthread consumer.o "$@" -o "$out"
}
# works NAME PROGRAM: it runs and has every operation
works() {
  succeeds "$1 runs" "$2"
  check "… and has all operations" diff out operations
}
needs() { grep -qF "Shared library: [$2]" <(readelf -d "$1"); }

check "pkg-config, shared: builds" build shared -Wl,-rpath,"$prefix/lib" $(pkg-config --libs adjoint)
works "… it" ./shared
check "… with the library of this version" needs shared "$shared"

static=$(pkg-config --static --libs adjoint | sed 's/-ladjoint/-l:libadjoint.a/')
check "pkg-config, static: builds" build static $static
works "… it" ./static
check "… without the shared library" not needs static "$shared"

# Why our archive holds a single object: one of many loses operations.
mapfile -t objects < <(cd "$repository" && find autograd nn data -name '*.cpp' | sed "s|\(.*\)cpp$|$build/objects/\1o|")
ar rcs libplain.a "${objects[@]}"
cat >names.cpp <<'PROGRAM'
#include <iostream>

#include "adjoint.h"

int main() {
  for (const std::string& name : adjoint::registered_operations()) std::cout << name << '\n';
}
PROGRAM
check "an archive of many objects: builds" "$cxx" "${flags[@]}" -pthread $(pkg-config --cflags adjoint) \
  names.cpp libplain.a ${static#*libadjoint.a} -o plain
run ./plain
check "… and loses operations" [ "$(wc -l <out)" -lt "$(wc -l <operations)" ]

cat >consumer/CMakeLists.txt <<'PROJECT'
cmake_minimum_required(VERSION 3.16)
project(consumer CXX)
find_package(adjoint ${WANTED} REQUIRED)
add_library(code OBJECT consumer.cpp)
target_link_libraries(code adjoint::adjoint)
foreach(kind adjoint static)
  add_executable(with-${kind} $<TARGET_OBJECTS:code>)
  target_link_libraries(with-${kind} adjoint::${kind})
endforeach()
PROJECT
configure() { cmake -S consumer -B cmake -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" "$@"; }
if command -v cmake >/dev/null; then
  check "CMake: another version is refused" not configure -DWANTED=99.1
  check "CMake: finds it" configure -DWANTED="$version"
  check "… and builds" cmake --build cmake
  works "with adjoint::adjoint it" cmake/with-adjoint
  check "… with the library of this version" needs cmake/with-adjoint "$shared"
  works "with adjoint::static it" cmake/with-static
  check "… without the shared library" not needs cmake/with-static "$shared"
fi

# ---- A model from text to text ------------------------------------------------------------------
# The program of nn/README.md, word for word.
mkdir text
awk '/^```cpp/ { inside = 1; next } /^```/ { if (inside) exit } inside' "$repository/nn/README.md" >text/train.cpp
# And one that reads what another program has saved: FOLDER WIDTH <LINES
cat >text/ask.cpp <<'PROGRAM'
#include <iostream>

#include "adjoint.h"

int main(int, char** arguments) {
  using namespace adjoint;
  try {
    const nn::TranslationModel model = nn::load_model(arguments[1]);
    std::vector<std::string> lines;
    for (std::string line; std::getline(std::cin, line);) lines.push_back(line);
    for (const std::string& answer : nn::translate(model, lines, {.width = std::stoi(arguments[2])}))
      std::cout << answer << '\n';
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
PROGRAM
compile() {
  "$cxx" "${flags[@]}" text/$1.cpp $(pkg-config --cflags --libs adjoint) -Wl,-rpath,"$prefix/lib" -o "$1"
}
check "the program of nn/README.md has about 20 lines" [ "$(grep -c . text/train.cpp)" -lt 25 ]
check "… and builds with pkg-config" compile train
cp "$installed" "$work/seq2seq"  # it runs anywhere
check_folder() {  # PROGRAM: what it saves is what seq2seq reads
  rm -rf my-model
  succeeds "… it runs" "$1"
  check "… and translates" [ "$(cat out)" = 'il est calme.' ]
  succeeds "… seq2seq translates with its folder" ./seq2seq translate my-model "He's calm."
  check "… and says the same" [ "$(cat out)" = 'il est calme.' ]
}
check_folder ./train
printf "Go.\tVa !\nI lost.\tJ'ai perdu.\n" >two.tsv
succeeds "seq2seq evaluates it" ./seq2seq evaluate my-model two.tsv
check "… without a mistake" grep -q '^right sentences *100.00' out
refuses "… and needs a file for it" 1 'held out' ./seq2seq evaluate my-model
check "… scores it" ./seq2seq score my-model two.tsv
succeeds "… inspects it" ./seq2seq inspect my-model
check "… with its settings" grep -q '^width=64' out
if command -v cmake >/dev/null; then
  cat >text/CMakeLists.txt <<'PROJECT'
cmake_minimum_required(VERSION 3.16)
project(text CXX)
find_package(adjoint REQUIRED)
add_executable(train train.cpp)
target_link_libraries(train adjoint::adjoint)
PROJECT
  check "with CMake" cmake -S text -B cmake-text -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx"
  check "… it builds" cmake --build cmake-text
  check_folder cmake-text/train
fi

check "a program that loads a model builds" compile ask
head -n 60 "$repository/data/english-french.tsv" >pairs.tsv
cut -f 1 pairs.tsv >lines
small=(--width 16 --min-frequency 1 --epochs 3 --restart --output trained)
for kind in "" "--copy" "--model lstm-attention --bidirectional" "--tokenizer characters --positions rotary"; do
  succeeds "a model of seq2seq train $kind" ./seq2seq train pairs.tsv "${small[@]}" $kind
  for width in 1 3; do
    ./seq2seq translate trained --beam $width <lines >expected 2>/dev/null
    check "… the library says the same, beam $width" diff expected <(./ask trained $width <lines)
  done
done
head -c 100 trained/source.vocabulary >shorter && cp shorter trained/source.vocabulary
refuses "… and refuses a changed file in one line" 1 'trained/' ./ask trained 1

# ---- The headers alone ---------------------------------------------------------------------------
(cd "$prefix/include/adjoint" && find . -name '*.h' | sort | sed 's|^./\(.*\)|#include "\1"|') >all.cpp
check "there are headers" [ "$(wc -l <all.cpp)" -gt 50 ]
check "… that include only installed headers" "$cxx" "${flags[@]}" $(pkg-config --cflags adjoint) \
  -fsyntax-only all.cpp
check "… and depend on no processor" not grep -rqE '__AVX|__SSE|register_bytes' "$prefix/include"

# ---- Uninstalling --------------------------------------------------------------------------------
mkdir -p "$work/stage" && mv "$prefix" "$work/stage$prefix"
touch "$work/stage$prefix/lib/not-ours"
check "make uninstall" to uninstall
check "… leaves only what is not ours" \
  [ "$(cd "$work/stage$prefix" && find . ! -type d)" = ./lib/not-ours ]
finish
