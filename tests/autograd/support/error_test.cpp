#include "autograd/support/error.h"

#include <boost/test/unit_test.hpp>
#include <iostream>
#include <limits>
#include <locale>
#include <thread>

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "autograd/tools.h"
#include "data/metrics.h"
#include "nn/checks.h"
#include "tests/autograd/child.h"
#include "tests/autograd/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(parts_are_joined) {
  BOOST_TEST(text_from("a ", 1, ' ', 2.5, " [", std::string("b"), ']') == "a 1 2.5 [b]");
  BOOST_CHECK_NO_THROW(require(true, "not shown"));
  BOOST_CHECK_EXCEPTION(require(false, "shown ", 3), Error, says("shown 3"));
}

// The sign bit of a NaN means nothing, and x86 sets it in 0/0.
BOOST_AUTO_TEST_CASE(a_nan_has_no_sign) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(text_from(nan, ' ', -nan, ' ', -static_cast<float>(nan), ' ', -1 / 0.0, ' ', -0.0) ==
             "nan nan nan -inf -0");
}

// ---- Errors that nothing catches ----------------------------------------------------------------

// When the program ends, output to a pipe is still in a buffer.
BOOST_AUTO_TEST_CASE(an_uncaught_error_leaves_what_was_printed) {
  const auto [status, output] = in_child([]() noexcept {  // like main(), without a handler
    std::printf("by printf\n");
    std::cout << "by cout\n";
    matmul(ones({8, 64}), ones({32, 64}));
    return 0;
  });
  BOOST_TEST(status == 1);
  BOOST_TEST(output.find("by printf\n") != std::string::npos, output);
  BOOST_TEST(output.find("by cout\n") != std::string::npos, output);
  BOOST_TEST(output.ends_with("error: matmul: inner sizes differ: a is [8, 64], b is [32, 64]\n"),
             output);
}

BOOST_AUTO_TEST_CASE(an_error_that_ends_a_thread_is_shown) {
  const auto [status, output] = in_child([] {
    std::printf("printed\n");
    std::thread([] { fail("in a thread"); }).join();
    return 0;
  });
  BOOST_TEST(status == 1);
  BOOST_TEST(output.ends_with("printed\nerror: in a thread\n"), output);
}

BOOST_AUTO_TEST_CASE(exceptions_of_others_end_the_program_as_always) {
  const auto foreign = [] { throw std::runtime_error("of others"); };
  const auto [status, output] = in_child([&]() noexcept {
    std::printf("printed\n");
    foreign();
    return 0;
  });
  BOOST_TEST(status == -1);  // abort()
  BOOST_TEST(output.find("printed\n") != std::string::npos, output);
  BOOST_TEST(output.find("of others") != std::string::npos, output);
}

// ---- Other locales ------------------------------------------------------------------------------

// Writes numbers as German does: 1.234.567,5
struct Commas : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
  std::string do_truename() const override { return "wahr"; }
};
struct OtherLocale {
  std::locale before =
      std::locale::global(std::locale(std::locale::classic(), new Commas));  // the locale owns it
  ~OtherLocale() { std::locale::global(before); }
};

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// Everything that writes numbers to a stream, which has the global locale.
std::string all_texts() {
  std::ostringstream text;
  const Tensor x = variable(tensor({1234.5, -0.25, 1e7}, DType::f64), "x");
  text << arange(1500, DType::i64) << x << tensor({true}, DType::b8) << x.shape()
       << zeros({12345, 0});
  text << index_text({2000, 3000}, 5'999'999);
  text << message_of([] { ones({1000, 2000}) + ones({3000}); });
  text << message_of([] { tensor({1234.5}, DType::i64); });
  text << message_of([] { zeros({Index{1} << 58}, DType::b8); });
  const Tensor y = sum(x * x * 1234.5);
  print_tape(text, y);
  print_dot(text, y);
  text << gradcheck([](const Tensors& in) { return Tensors{in[0] * detach(in[0])}; },
                    {variable(uniform({1200}, 1000, 2000, Key(1), DType::f64), "many")});
  text << nn::PropertyReport{.property = "p", .cause = "c", .compared = 123'456};
  text << nn::PropertyReport{"p", "c", {{"at", "differs", 1.0, 123'456}}, 123'456};
  text << data::sentence_bleu("a b c d", {"a b c d e"}, {.smoothing = "floor"}).signature;
  return text.str();
}

BOOST_AUTO_TEST_CASE(the_locale_changes_no_number) {
  const std::string expected = all_texts();
  const OtherLocale guard;
  BOOST_TEST(all_texts() == expected);
  BOOST_TEST(text_from(1234567, ' ', 0.5) == "1234567 0.5");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
