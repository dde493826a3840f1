#include "autograd/tools/profile.h"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <string_view>

#include "autograd/operation.h"
#include "autograd/pullback.h"

namespace adjoint {

std::vector<Profile::Row> Profile::rows() const {
  const std::lock_guard lock(mutex_);
  std::vector<Row> result;
  for (const auto& [operation, row] : rows_) result.push_back(row);
  std::ranges::stable_sort(result, std::ranges::greater(), &Row::seconds);
  return result;
}

// Whatever runs within a vjp, including sweeps, counts as part of it.
void Profile::before_forward(const char* operation, const Inputs&) {
  if (!ambient().vjp_of) begin(operation);
}
void Profile::after_forward(const char* operation, const Inputs&, std::span<const Tensor>) {
  if (!ambient().vjp_of) end(operation, &Row::forwards, &Row::forward_seconds);
}
void Profile::before_vjp(const Node& node, const Pullback&) {
  if (ambient().vjp_of == &node) begin(node.name());
}
void Profile::after_vjp(const Node& node, const Pullback&, Tensors&) {
  if (ambient().vjp_of == &node) end(node.name(), &Row::vjps, &Row::vjp_seconds);
}

void Profile::begin(const char* operation) {
  const std::lock_guard lock(mutex_);
  open_[std::this_thread::get_id()].push_back({operation, Clock::now()});
}

void Profile::end(const char* operation, Index Row::*count, double Row::*seconds) {
  const Clock::time_point now = Clock::now();
  const std::lock_guard lock(mutex_);
  std::vector<Open>& open = open_[std::this_thread::get_id()];
  // Operations above it on the stack were ended by an exception.
  while (!open.empty() && open.back().operation != std::string_view(operation)) open.pop_back();
  if (open.empty()) return;  // it began before the guard
  const Clock::duration whole = now - open.back().begin, own = whole - open.back().inside;
  open.pop_back();
  if (!open.empty()) open.back().inside += whole;
  Row& row = rows_[operation];
  row.operation = operation;
  ++(row.*count);
  row.*seconds += std::chrono::duration<double>(own).count();
}

std::ostream& operator<<(std::ostream& stream, const Profile& profile) {
  const std::vector<Profile::Row> rows = profile.rows();
  double sum = 0;
  for (const Profile::Row& row : rows) sum += row.seconds();
  TextStream table;
  const auto line = [&](const auto& operation, const auto& forwards, const auto& forward,
                        const auto& vjps, const auto& vjp, const auto& share) {
    table << std::left << std::setw(24) << operation << std::right << std::setw(10) << forwards
          << std::setw(12) << forward << std::setw(10) << vjps << std::setw(12) << vjp
          << std::setw(8) << share << '\n';
  };
  line("operation", "forwards", "ms", "vjps", "ms", "%");
  table << std::fixed << std::setprecision(2);
  for (const Profile::Row& row : rows)
    line(row.operation, row.forwards, 1e3 * row.forward_seconds, row.vjps, 1e3 * row.vjp_seconds,
         sum > 0 ? 100 * row.seconds() / sum : 0.0);
  return stream << table.str();
}

}  // namespace adjoint
