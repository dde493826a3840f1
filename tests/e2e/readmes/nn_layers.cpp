#include "adjoint.h"

#include <iostream>

using namespace adjoint;
using namespace adjoint::nn;

int main() {
#include "cpp1"
}
