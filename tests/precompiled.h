// The headers that most tests include, compiled once: they are half of a test's compile time. No
// test relies on it.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "autograd/grad.h"
#include "autograd/ops.h"
