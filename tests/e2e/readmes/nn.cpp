#include "adjoint.h"

#include <iostream>

using namespace adjoint;
using namespace adjoint::nn;

#include "cpp1"

int main() {
#include "cpp2"
  {
#include "cpp3"
#include "cpp4"
  }
}
