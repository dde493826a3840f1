// One header and the standard library: no other program of ours includes so little.
#include "autograd/gradcheck/arrays.h"

#include <cmath>
#include <iostream>

int main() {
#include "cpp1"
}
