// Numbers of very different sizes: what is small beside something else must be judged all the same.
#include "tests/autograd/gradcheck/hard_functions/planting.h"

namespace adjoint::testing {
namespace {

Tensor wave(double in, const Tensor& x, double out) { return tanh(x * in) * out; }
const char* const lost_in_the_sum = "the terms of the small elements are rounded away in the sum";

Tensor ordinary() { return wide({0.5, -1.25, 2}); }
Tensor spread() { return wide({1e-12, 1e-6, 1, 1e6, 1e12}); }
Tensor x_log_x(const Tensor& x) { return x * log(x); }

// Planck's law for wavelengths in metres and a temperature in kelvin, in SI units.
Tensor planck(const Tensors& x) {
  constexpr double h = 6.62607015e-34, c = 299792458, k = 1.380649e-23;
  const Tensor exponent = h * c / (x[0] * k * x[1]);
  return 2 * h * c * c / (pow(x[0], 5) * expm1(exponent));
}
Tensors wavelengths() { return {wide({4e-7, 5e-7, 2e-6}), wide({5800})}; }
// Newton's gravity between masses in kg, at a distance in m.
Tensor gravity(const Tensors& x) { return 6.674e-11 * x[0] * x[1] / pow(x[2], 2); }
Tensors earth_and_moon() { return {wide({5.97e24}), wide({7.3e22}), wide({3.84e8})}; }
// Arrhenius' law: a rate in 1/s, an energy in J/mol, a temperature in K.
Tensor arrhenius(const Tensors& x) { return x[0] * exp(-x[1] / (8.314 * x[2])); }
Tensors reaction() { return {wide({1e13}), wide({8e4, 2.5e5}), wide({300, 290})}; }
Tensor energy(const Tensors& x) {  // m c² + m v²/2
  return x[0] * 8.987551787e16 + 0.5 * x[0] * x[1] * x[1];
}

HardFunctions right() {
  const Tensor x = ordinary();
  HardFunctions list;
  for (const double in : {1e-12, 1.0, 1e12})
    for (const double out : {1e-12, 1e12})
      list.push_back({text_from("tanh, inputs of size ", in, ", outputs of size ", out),
                      fn([=](const Tensor& v) { return wave(1 / in, v, out); }),
                      {x * in}});
  const HardFunctions more = {
      {"x² of 1e-12 … 1e12", fn([](const Tensor& v) { return v * v; }), {spread()}},
      {"log of 1e-12 … 1e12", fn(log), {spread()}},
      {"√x of 1e-12 … 1e12", fn(sqrt), {spread()}},
      {"1/x of 1e-12 … 1e12", fn([](const Tensor& v) { return 1 / v; }), {spread()}},
      {"the sum of 1/x of 1e-12 … 1e12",
       fn([](const Tensor& v) { return sum(1 / v); }),
       {spread()},
       {},
       lost_in_the_sum},
      {"the sum of x² of 1e-12 … 1e12", fn([](const Tensor& v) { return sum(v * v); }), {spread()}},
      {"norm of 1e-12 … 1e12", fn([](const Tensor& v) { return norm(v); }), {spread()}},
      {"a · b, 1e12 and 1e-12",
       fn([](const Tensors& v) { return v[0] * v[1]; }),
       {x * 1e12, x * 1e-12}},
      {"a + b, 1e12 and 1",
       fn([](const Tensors& v) { return v[0] + tanh(v[1]); }),
       {x * 1e12, x},
       {},
       "what depends on b is rounded beside 1e12"},
      {"a matrix of 1e12 times one of 1e-12",
       fn([](const Tensors& v) { return matmul(v[0], v[1]); }),
       {random64({2, 3}, 1) * 1e12, random64({3, 2}, 2) * 1e-12}},
      {"an output of 1e10 beside one of 1",
       fn([](const Tensors& v) {
         return Tensors{v[0] * 1e10, tanh(v[1])};
       }),
       {x, x}},
      {"an output of 1e10 beside one of 1e-10, same input",
       fn([](const Tensor& v) {
         return Tensors{sin(v) * 1e10, tanh(v) * 1e-10};
       }),
       {x}},
      {"elements of 1e10 and 1 in one output",
       fn([](const Tensor& v) {
         return sin(v) * wide({1e10, 1, 1e-3});
       }),
       {x}},
      {"inputs of 1 and 1e-10",
       fn([](const Tensors& v) { return tanh(v[0]) * sin(1e10 * v[1]); }),
       {x, x * 1e-10}},
      {"x log x at 1e-12 beside ordinary numbers", fn(x_log_x), {wide({1e-12, 0.5, 2})}},
      {"the sum of x log x at 1e-12",
       fn([](const Tensor& v) { return sum(x_log_x(v)); }),
       {wide({1e-12, 0.5, 2})},
       {},
       "steps that fit between 0 and 1e-12 change the sum by little more than rounding"},
      {"sin(1e8 x)", fn([](const Tensor& v) { return sin(1e8 * v); }), {x}},
      {"sin(1e-8 x)", fn([](const Tensor& v) { return sin(1e-8 * v); }), {x}},
      {"1e12 x² + 1e-12 x", fn([](const Tensor& v) { return 1e12 * v * v + 1e-12 * v; }), {x}},
      {"exp(1e-12 x)", fn([](const Tensor& v) { return exp(1e-12 * v); }), {x}, {}},
      {"x² of 1e150", fn([](const Tensor& v) { return v * v; }), {x * 1e150}},
      {"x² of 1e-150", fn([](const Tensor& v) { return v * v; }), {x * 1e-150}},
      {"norm of 1e-200", fn([](const Tensor& v) { return norm(v); }), {x * 1e-200}},
      {"softmax of 1e-12 x", fn([](const Tensor& v) { return softmax(1e-12 * v); }), {x}},
      {"layer_norm of rows of size 1e-6 and 1e6",
       fn([](const Tensors& v) { return layer_norm(v[0], v[1], v[2]); }),
       {concat({random64({1, 4}, 1) * 1e-6, random64({1, 4}, 2) * 1e6}, 0), random64({4}, 3),
        random64({4}, 4)}},
      {"rms_norm of 1e6",
       fn([](const Tensors& v) { return rms_norm(v[0], v[1]); }),
       {random64({2, 4}, 1) * 1e6, random64({4}, 2)}},
      {"Planck's law in SI units", fn(planck), wavelengths()},
      {"gravity in SI units", fn(gravity), earth_and_moon()},
      {"Arrhenius' law", fn(arrhenius), reaction()},
      {"the energy of a slow mass",
       fn(energy),
       {wide({2.0}), wide({3.0})},
       {},
       "what depends on the velocity is rounded beside m c², which is 1e16 times larger"},
      {"a loss with a penalty of 1e-8",
       fn([](const Tensors& v) { return mean(pow(v[0] * 3 - v[1], 2)) + 1e-8 * sum(v[0] * v[0]); }),
       {x, x + 1}},
  };
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

HardFunctions wrong() {
  const Tensor x = ordinary();
  HardFunctions list;
  for (const double in : {1e-12, 1.0, 1e12})
    for (const double out : {1e-12, 1e12})
      list.push_back(
          {text_from("2e-5 too large, inputs of size ", in, ", outputs of size ", out),
           mistaken(fn([=](const Tensor& v) { return wave(1 / in, v, out); }), times(1 + 2e-5)),
           {x * in}});
  for (const double large : {1e8, 1e10, 1e12}) {
    const auto name = [=](const char* what) { return text_from(what, " beside ", large); };
    list.push_back({name("an output twice as steep"),
                    fn([=](const Tensors& v) {
                      return Tensors{v[0] * large, tanh(planted(v[1], times(2)))};
                    }),
                    {x, x}});
    list.push_back({name("an output of the same input, wrong sign"),
                    fn([=](const Tensor& v) {
                      return Tensors{sin(v) * large, tanh(planted(v, times(-1)))};
                    }),
                    {x}});
    list.push_back({name("an element of one output, 1% too large"),
                    fn([=](const Tensor& v) {
                      return sin(planted(v, times_at(1, 1.01))) * wide({large, 1, 1});
                    }),
                    {x}});
    list.push_back({name("an input of one output, twice as steep"),
                    fn([=](const Tensors& v) {
                      return sum(large * v[0]) + sum(tanh(planted(v[1], times(2))));
                    }),
                    {x, x}});
    list.push_back(
        {name("an input with derivatives that much smaller"),
         fn([=](const Tensors& v) { return v[0] * sin(planted(v[1], times(1.1)) / large); }),
         {x, x}});
  }
  const HardFunctions more = {
      {"x² of 1e-12 … 1e12, the smallest",
       mistaken(fn([](const Tensor& v) { return v * v; }), times_at(0, 2)),
       {spread()}},
      {"log of 1e-12 … 1e12, the largest", mistaken(fn(log), times_at(4, -1)), {spread()}},
      {"√x of 1e-12 … 1e12, 2e-5 too large", mistaken(fn(sqrt), times_at(1, 1 + 2e-5)), {spread()}},
      {"1/x of 1e-12 … 1e12, the largest",
       mistaken(fn([](const Tensor& v) { return 1 / v; }), times_at(4, 2)),
       {spread()}},
      {"1/x of 1e-12 … 1e12, the smallest",
       mistaken(fn([](const Tensor& v) { return 1 / v; }), times_at(0, 1.01)),
       {spread()}},
      {"a · b, the gradient of the other",
       fn([](const Tensors& v) {
         return disguised(v[0] * v[1], v[0] * unseen(v[0]) + v[1] * unseen(v[1]));
       }),
       {x * 1e12, x * 1e-12}},
      {"a matrix of 1e12 times one of 1e-12, one element",
       mistaken(fn([](const Tensors& v) { return matmul(v[0], v[1]); }), times_at(2, 1.001), 1),
       {random64({2, 3}, 1) * 1e12, random64({3, 2}, 2) * 1e-12}},
      {"an output of 1e-10 beside one of 1e10",
       fn([](const Tensor& v) {
         return Tensors{sin(v) * 1e10, tanh(planted(v, times(1.001))) * 1e-10};
       }),
       {x}},
      {"an input of 1e-10, 1% too large",
       mistaken(fn([](const Tensors& v) { return tanh(v[0]) * sin(1e10 * v[1]); }), times(1.01), 1),
       {x, x * 1e-10}},
      {"x log x at 1e-12 without 1",
       fn([](const Tensor& v) { return v * unseen(log(v)); }),
       {wide({1e-12, 0.5, 2})}},
      {"x log x, wrong at 1e-12 only",
       mistaken(fn(x_log_x), times_at(0, 1.5)),
       {wide({1e-12, 0.5, 2})}},
      {"sin(1e8 x) without a gradient",
       mistaken(fn([](const Tensor& v) { return sin(1e8 * v); }), times(0)),
       {x}},
      {"sin(1e8 x), one element without a gradient",
       mistaken(fn([](const Tensor& v) { return sin(1e8 * v); }), times_at(2, 0)),
       {x}},
      {"log of 1e-12 … 1e12, nothing at 1e-12", mistaken(fn(log), times_at(0, 0)), {spread()}},
      {"1/x of 1e-12 … 1e12, nothing at 1e6",
       mistaken(fn([](const Tensor& v) { return 1 / v; }), times_at(3, 0)),
       {spread()}},
      {"sin(1e8 x) twice as steep",
       mistaken(fn([](const Tensor& v) { return sin(1e8 * v); }), times(2)),
       {x}},
      {"sin(1e-8 x), 1% too large",
       mistaken(fn([](const Tensor& v) { return sin(1e-8 * v); }), times(1.01)),
       {x}},
      {"x² of 1e-150 without 2",
       mistaken(fn([](const Tensor& v) { return v * v; }), times(0.5)),
       {x * 1e-150}},
      {"x² of 1e150 without 2",
       mistaken(fn([](const Tensor& v) { return v * v; }), times(0.5)),
       {x * 1e150}},
      {"layer_norm, a row of size 1e-6 reversed",
       mistaken(fn([](const Tensors& v) { return layer_norm(v[0], v[1], v[2]); }), times_at(1, -1)),
       {concat({random64({1, 4}, 1) * 1e-6, random64({1, 4}, 2) * 1e6}, 0), random64({4}, 3),
        random64({4}, 4)}},
      {"rms_norm of 1e6 without its own derivative",
       fn([](const Tensors& v) {
         return disguised(rms_norm(v[0], v[1]),
                          v[0] / unseen(norm(v[0], {-1}, Keep::yes)) * 2 * v[1]);
       }),
       {random64({2, 4}, 1) * 1e6, random64({4}, 2)}},
      {"Planck's law, temperature", mistaken(fn(planck), times(1.001), 1), wavelengths()},
      {"Planck's law, one wavelength", mistaken(fn(planck), times_at(2, 1.001)), wavelengths()},
      {"gravity with 1/r", mistaken(fn(gravity), times(0.5), 2), earth_and_moon()},
      {"gravity, one mass missing", mistaken(fn(gravity), times(0), 1), earth_and_moon()},
      {"Arrhenius' law, the energy's sign", mistaken(fn(arrhenius), times(-1), 1), reaction()},
      {"a penalty of 1e-8 without 2",
       fn([](const Tensors& v) {
         return mean(pow(v[0] * 3 - v[1], 2)) + 1e-8 * sum(v[0] * unseen(v[0]));
       }),
       {x, 3 * x}},
  };
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

}  // namespace

RightAndWrong with_scales() { return {right(), wrong()}; }

}  // namespace adjoint::testing
