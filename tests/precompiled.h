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

// Around each test, Boost writes six messages that only the report of a crash would show. Compiling
// them takes a tenth of a test's compile time; the place is enough.
#undef BOOST_TEST_CHECKPOINT
#define BOOST_TEST_CHECKPOINT(message) BOOST_TEST_PASSPOINT()
