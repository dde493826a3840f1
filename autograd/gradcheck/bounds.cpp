#include "autograd/gradcheck/bounds.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "autograd/support/error.h"

namespace adjoint::checking {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double simplex_tolerance = 1e-6;  // of the sum of a row

// The interval of a domain that holds x.
std::pair<double, double> interval(const Domain& domain, double x) {
  double low = domain.simplex ? std::max(domain.low, 0.0) : domain.low, high = domain.high;
  if (domain.away_from && x > *domain.away_from)
    low = std::max(low, std::nextafter(*domain.away_from, infinite));
  if (domain.away_from && x < *domain.away_from)
    high = std::min(high, std::nextafter(*domain.away_from, -infinite));
  return {low, high};
}

}  // namespace

Bounds::Bounds(const FlatFunction& f, const std::vector<Domain>& domains) : f_(f) {
  require(domains.size() <= f.xs.size(), "gradcheck: ", domains.size(), " domains for ",
          f.xs.size(), " inputs");
  for (Index begin = 0; begin < f.inputs();) {
    const int tensor = f.input_position(begin).tensor;
    const Index count = f.xs[at(tensor)].numel();
    const Domain domain = at(tensor) < domains.size() ? domains[at(tensor)] : Domain();
    const std::string& name = f.names[at(tensor)];
    require(domain.low < domain.high, "gradcheck: the domain of ", name, " is empty: low is ",
            domain.low, ", high is ", domain.high);
    for (Index i = begin; i < begin + count; ++i) {
      const double x = f.point[at(i)];
      const auto [low, high] = interval(domain, x);
      const bool excluded = domain.away_from && x == *domain.away_from;
      require(!(x < low) && !(x > high) && !excluded, "gradcheck: ", f.input_name(i), " is ", x,
              ", outside its domain");
      low_.push_back(low);
      high_.push_back(high);
    }
    if (domain.simplex) {
      const Shape& shape = f.xs[at(tensor)].shape();
      require(shape.rank() > 0 && shape[-1] > 1, "gradcheck: ", name,
              " cannot be a simplex: its last axis needs at least 2 elements, its shape is ",
              shape);
      for (Index row = begin; row < begin + count; row += shape[-1]) {
        double sum = 0;
        for (Index i = row; i < row + shape[-1]; ++i) sum += f.point[at(i)];
        require(std::abs(sum - 1) < simplex_tolerance, "gradcheck: ", name,
                " is not on the simplex: the row of ", f.input_name(row), " sums to ", sum);
        rows_.push_back({row, shape[-1]});
      }
    }
    begin += count;
  }
}

bool Bounds::contain(const Vector& x) const {
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i] < low_[i] || x[i] > high_[i]) return false;
  return true;
}

double Bounds::room(Index i) const {
  const double x = f_.point[at(i)];
  return std::min(x - low_[at(i)], high_[at(i)] - x);
}

const Bounds::Row* Bounds::row_of(Index i) const {
  const auto after = std::ranges::upper_bound(rows_, i, {}, &Row::begin);
  if (after == rows_.begin()) return nullptr;
  const Row& row = *(after - 1);
  return i < row.begin + row.size ? &row : nullptr;
}

Line Bounds::inside(Line line) const {
  std::map<const Row*, double> sums;
  for (auto& [i, speed] : line) {
    if (f_.point[at(i)] == low_[at(i)]) speed = std::abs(speed);
    if (f_.point[at(i)] == high_[at(i)]) speed = -std::abs(speed);
    if (const Row* row = row_of(i)) sums[row] += speed;
  }
  // The largest element of a row has the most room: it takes up what the others add.
  for (const auto& [row, sum] : sums) {
    const auto first = f_.point.begin() + row->begin;
    Index widest = std::max_element(first, first + row->size) - f_.point.begin();
    const bool alone = line.size() == 1 && line[0].first == widest;
    if (alone) widest = widest == row->begin ? row->begin + 1 : row->begin;
    const auto moving = std::ranges::find(line, widest, &Line::value_type::first);
    if (moving == line.end())
      line.emplace_back(widest, -sum);
    else
      moving->second -= sum;
  }
  return line;
}

}  // namespace adjoint::checking
