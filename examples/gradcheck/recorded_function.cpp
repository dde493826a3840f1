#include "examples/gradcheck/recorded_function.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace adjoint::recorded {
namespace {

using checking::Derivative;

constexpr double safety = 10;  // the estimated error is no bound: allow this many times more
// Roundings that a value is assumed to have accumulated: many, or the least where the ladder will
// measure them. In f32 the difference decides what can be judged.
constexpr double roundings = 16, least_roundings = 2;
// A gradient is known up to so many roundings of its largest element.
constexpr double roundings_of_gradients = 64;

template <class Variable>
std::vector<Place> places_of(const std::vector<Variable>& variables) {
  std::vector<Place> places;
  for (std::size_t v = 0; v < variables.size(); ++v) {
    const Tensor& x = variables[v].value;
    if (!is_real(x.dtype())) continue;
    const double unit = x.dtype() == DType::f32 ? 0x1p-24 : 0x1p-53;
    for (Index i = 0; i < x.numel(); ++i)
      places.push_back(
          {static_cast<int>(v), i, variables[v].name + index_text(x.shape(), i), unit});
  }
  return places;
}

// That member of each real variable, a tensor [rows, …], side by side: a vector for each row.
template <class Variable>
std::vector<Vector> rows_of(const std::vector<Variable>& variables, Tensor Variable::*member,
                            Index rows) {
  std::vector<Vector> result(at(rows));
  for (const Variable& variable : variables) {
    if (!is_real(variable.value.dtype())) continue;
    const Vector all = checking::flatten({variable.*member});
    const std::ptrdiff_t width = std::ssize(all) / rows;
    for (Index row = 0; row < rows; ++row)
      result[at(row)].insert(result[at(row)].end(), all.begin() + row * width,
                             all.begin() + (row + 1) * width);
  }
  return result;
}

// The only nonzero element, or −1.
Index only_nonzero(const Vector& values) {
  Index found = -1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0) continue;
    if (found >= 0) return -1;
    found = static_cast<Index>(i);
  }
  return found;
}

}  // namespace

bool Slopes::any_kink() const {
  return std::ranges::count(numeric, Derivative::Kind::kink, &Derivative::kind) > 0;
}

double Slopes::tolerance(std::size_t r) const {
  return std::max(safety * numeric[r].error, negligible[r]);
}

bool Slopes::agree(std::size_t r) const {
  const Derivative& d = numeric[r];
  if (d.kind != Derivative::Kind::kink) return std::abs(analytic[r] - d.value) <= tolerance(r);
  const double margin = 1e-3 * std::abs(d.right - d.left);
  return analytic[r] >= std::min(d.left, d.right) - margin &&
         analytic[r] <= std::max(d.left, d.right) + margin;
}

RecordedFunction::RecordedFunction(const Recording& r)
    : recording(r),
      xs(places_of(r.inputs)),
      ys(places_of(r.outputs)),
      point(rows_of(r.inputs, &Input::value, 1)[0]),
      values(rows_of(r.outputs, &Output::value, 1)[0]),
      up_(rows_of(r.outputs, &Output::up, r.directions * r.steps())),
      down_(rows_of(r.outputs, &Output::down, r.directions * r.steps())) {
  choose_cotangents();
  choose_directions();
}

void RecordedFunction::choose_cotangents() {
  const auto weights = rows_of(recording.outputs, &Output::cotangent, recording.cotangents);
  const auto recorded = rows_of(recording.inputs, &Input::gradient, recording.cotangents);
  std::set<Index> seen;
  std::vector<Index> single, first;  // the output that a row weighs with 1; only at its first row
  for (const Vector& row : weights) {
    const Index j = only_nonzero(row);
    single.push_back(j >= 0 && row[at(j)] == 1 ? j : -1);
    first.push_back(single.back() >= 0 && seen.insert(j).second ? j : -1);
  }
  jacobian = std::ssize(seen) == std::ssize(ys);

  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  if (jacobian) std::ranges::stable_sort(order, {}, [&](std::size_t row) { return first[row]; });
  for (const std::size_t row : order) {
    const Index j = single[row];
    cotangents.push_back({j >= 0 ? ys[at(j)].name : text_from("recorded ", row), j, weights[row]});
    gradients.push_back(recorded[row]);
  }
}

void RecordedFunction::choose_directions() {
  for (Vector& u : rows_of(recording.inputs, &Input::direction, recording.directions)) {
    const Index single = only_nonzero(u);
    const std::string name = text_from("along direction ", directions.size());
    require(std::ranges::any_of(u, [](double speed) { return speed != 0; }), "direction ",
            directions.size(), " of the recording moves no input: all its elements are 0");
    directions.push_back({std::move(u), single, single < 0 ? name : xs[at(single)].name});
  }
}

bool RecordedFunction::single_precision() const {
  const auto is_single = [](const Place& place) { return place.unit > 0x1p-53; };
  return std::ranges::any_of(xs, is_single) || std::ranges::any_of(ys, is_single);
}

Slopes RecordedFunction::slopes(std::size_t k) const {
  const Direction& direction = directions[k];
  const std::size_t count = cotangents.size();
  std::set<int> moving;  // tensors
  for (std::size_t i = 0; i < xs.size(); ++i)
    if (direction.u[i] != 0) moving.insert(xs[i].tensor);
  Slopes result{Vector(count), std::vector<Derivative>(count), Vector(count), Vector(count)};
  for (std::size_t r = 0; r < count; ++r) {
    double fastest = 0, largest = 0, squares = 0, unit = 0;
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const double slope = gradients[r][i];
      if (std::isfinite(slope) && moving.contains(xs[i].tensor))
        largest = std::max(largest, std::abs(slope));
      if (direction.u[i] == 0) continue;
      const double along = direction.speed(i) * slope;
      result.analytic[r] += along;
      squares += along * along;
      fastest = std::max(fastest, std::abs(direction.speed(i)));
      unit = std::max(unit, xs[i].unit);
    }
    result.norms[r] = std::sqrt(squares);
    result.negligible[r] = roundings_of_gradients * unit * fastest * largest;
  }
  for (std::size_t r = 0; r < count; ++r) result.numeric[r] = numeric(k, r, result);
  return result;
}

Derivative RecordedFunction::numeric(std::size_t k, std::size_t r, Slopes so_far) const {
  const double unit = directions[k].unit();
  const auto steps = at(recording.steps());
  checking::Ladder ladder(noise(r));
  for (std::size_t row = k * steps; row < (k + 1) * steps && !ladder.full(); ++row) {
    const double h = recording.step.values<double>()[row] * std::abs(unit);
    const double up = change(r, up_[row]), down = -change(r, down_[row]);
    ladder.add(h, unit > 0 ? up : -down, unit > 0 ? down : -up);
    so_far.numeric[r] = ladder.derivative();
    if (!measures_noise() && ladder.settled() && so_far.agree(r)) break;
  }
  return ladder.derivative();
}

// ⟨ȳ, there − f(x)⟩: a difference of two sums would round more.
double RecordedFunction::change(std::size_t r, const Vector& there) const {
  const Vector& weights = cotangents[r].weights;
  double sum = 0;
  for (std::size_t j = 0; j < ys.size(); ++j)
    if (weights[j] != 0) sum += weights[j] * (there[j] - values[j]);
  return sum;
}

// The rounding of the outputs, and what the rounding of the inputs does to them (as for a function
// that runs, see noise_of() in differentiator.cpp).
double RecordedFunction::noise(std::size_t r) const {
  double sum = 0;
  for (std::size_t j = 0; j < ys.size(); ++j)
    sum += std::abs(cotangents[r].weights[j] * values[j]) * ys[j].unit;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const double moved = std::abs(gradients[r][i] * point[i]) * xs[i].unit;
    if (std::isfinite(moved)) sum += moved;
  }
  return (measures_noise() ? least_roundings : roundings) * sum;
}

double RecordedFunction::part_of_output(std::size_t r, int tensor) const {
  double sum = 0;
  for (std::size_t j = 0; j < ys.size(); ++j)
    if (ys[j].tensor == tensor) sum += std::abs(cotangents[r].weights[j] * values[j]);
  return sum;
}

// A ladder measures noise after all its steps.
bool RecordedFunction::measures_noise() const {
  return single_precision() && at(recording.steps()) >= checking::Ladder::longest;
}

double RecordedFunction::natural_slope(std::size_t k, std::size_t r) const {
  std::vector<double> squares(recording.inputs.size()), counts(recording.inputs.size());
  for (std::size_t i = 0; i < xs.size(); ++i) {
    squares[at(xs[i].tensor)] += point[i] * point[i];
    counts[at(xs[i].tensor)] += 1;
  }
  double fastest = 0;  // in units of an element's own size, or of the typical size in its tensor
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const std::size_t tensor = at(xs[i].tensor);
    const double size = std::max(std::abs(point[i]), std::sqrt(squares[tensor] / counts[tensor]));
    fastest = std::max(fastest, std::abs(directions[k].speed(i)) / (size > 0 ? size : 1));
  }
  return std::abs(cotangents[r](values)) * fastest;
}

}  // namespace adjoint::recorded
