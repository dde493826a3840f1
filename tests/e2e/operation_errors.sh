#!/usr/bin/env bash
# What the compiler says about an operation with a misspelt or missing member: one sentence each.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
read -ra compiler <<<"${CXX:-g++}"

# operation SED-SCRIPT: compiles a right operation, changed by the script.
operation() {
  sed "$1" >"$scratch/operation.cpp" <<'SOURCE'
#include "autograd/apply.h"
using namespace adjoint;
struct Double {
  static constexpr auto name = "double";
  static constexpr Operands reads = {};
  Form form(Inputs in) const { return in[0].form(); }
  template <Real T> void forward(Inputs in, Outputs out) const {
    for (std::size_t i = 0; i < in[0].values<T>().size(); ++i)
      out[0].edit<T>()[i] = 2 * in[0].values<T>()[i];
  }
  Tensors vjp(const Pullback& back) const { return {back.cotangent()}; }
};
Tensor twice(const Tensor& x) { return apply(Double{}, x); }
SOURCE
  "${compiler[@]}" -std=c++20 -fsyntax-only -I. "$scratch/operation.cpp" 2>&1
}

says() {
  local text
  if text=$(operation "$1"); then
    echo "operation_errors: compiled after $1" >&2
    exit 1
  fi
  grep -qF "$2" <<<"$text" || { echo "operation_errors: after $1 the compiler says: $text" >&2; exit 1; }
  echo "ok: $1"
}

operation '' || { echo "operation_errors: the right operation does not compile" >&2; exit 1; }
says 's/ vjp(/ vpj(/' 'an operation has a derivative rule: Tensors vjp(const Pullback& back) const;'
says '/reads/d' 'an operation lists the operands whose values its vjp reads'
says 's/Operands reads/Operands raeds/' 'an operation lists the operands whose values its vjp reads'
says 's/forward(Inputs in, Outputs out)/forward(Inputs in)/' 'an operation computes values'
says 's/Form form(/Form from(/' 'an operation has a shape rule'
says '/auto name/d' 'an operation has a name'
