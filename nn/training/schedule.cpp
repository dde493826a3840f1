#include "nn/training/schedule.h"

#include <algorithm>
#include <numbers>

namespace adjoint::nn {
namespace {

double ratio(Index a, Index b) { return static_cast<double>(a) / static_cast<double>(b); }

void require_share(const char* what, double value) {
  require(value >= 0 && value <= 1, "schedule: the ", what, " must be between 0 and 1, got ",
          value);
}

}  // namespace

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names = {"constant", "linear", "cosine", "inverse-sqrt",
                                                 "plateau"};
  return names;
}

Schedule::Schedule(const ScheduleOptions& options)
    : options_(options), plateau_({.patience = options.patience, .margin = options.margin}) {
  const std::vector<std::string>& names = schedule_names();
  require(std::ranges::find(names, options.name) != names.end(), "schedule: '", options.name,
          "' is not one of constant, linear, cosine, inverse-sqrt and plateau");
  require(options.warm_up >= 0, "schedule: the warm-up must be at least 0 steps, got ",
          options.warm_up);
  require_share("floor", options.floor);
  require_share("decay", options.decay);
  if (options.name == "linear" || options.name == "cosine")
    require(options.total > options.warm_up, "schedule: ", options.name,
            " must end after the warm-up of ", options.warm_up, " steps, got a total of ",
            options.total);
}

double Schedule::operator()(Index step) const {
  const ScheduleOptions& o = options_;
  if (step < o.warm_up) return ratio(step + 1, o.warm_up);
  if (o.name == "linear" || o.name == "cosine") {
    const Index left = std::max<Index>(o.total - step, 0), fall = o.total - o.warm_up;
    const double factor = o.name == "linear"
                              ? ratio(left, fall)
                              : (1 + std::cos(std::numbers::pi * ratio(fall - left, fall))) / 2;
    return o.floor + (1 - o.floor) * factor;
  }
  if (o.name == "inverse-sqrt") return std::sqrt(ratio(std::max<Index>(o.warm_up, 1), step + 1));
  return scale_;  // 1 unless this is plateau
}

void Schedule::observe(double loss) {
  if (options_.name != "plateau") return;
  plateau_.observe(loss);
  if (!plateau_.ended()) return;
  scale_ = std::max(options_.floor, scale_ * options_.decay);
  plateau_.renew();
}

void Schedule::state(State& visit) {
  const ScheduleOptions& o = options_;
  visit.fixed("name", o.name).fixed("warm_up", o.warm_up).fixed("total", o.total);
  visit.fixed("floor", o.floor).fixed("decay", o.decay);
  visit("plateau", plateau_)("scale", scale_);
}

}  // namespace adjoint::nn
