// What nearly every test includes, compiled once: half of a test's compile time is in these
// headers. The tests include what they use themselves; without this file they would compile all the
// same.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops.h"
