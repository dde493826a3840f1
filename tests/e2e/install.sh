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
check "seq2seq has the same version" grep -q "^adjoint $version," <("$seq2seq" --version)

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
