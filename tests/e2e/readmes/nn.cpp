#include "adjoint.h"

#include <iostream>

using namespace adjoint;
using namespace adjoint::nn;

#include "cpp2"

int main() {
#include "cpp3"
  {
#include "cpp4"
#include "cpp5"
  }
}
