#include "nn/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "autograd/support/error.h"

namespace adjoint::nn {
namespace {

double ratio(Index a, Index b) { return static_cast<double>(a) / static_cast<double>(b); }

void require_share(const char* what, double value) {
  require(value >= 0 && value <= 1, "schedule: the ", what, " must be from 0 to 1, got ", value);
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
  require(std::ranges::find(names, options.name) != names.end(),
          "schedule: there is none of the name '", options.name,
          "'; there are constant, linear, cosine, inverse-sqrt and plateau");
  require(options.warm_up >= 0, "schedule: the warm-up must be from 0 steps, got ",
          options.warm_up);
  require_share("floor", options.floor);
  require_share("decay", options.decay);
  if (options.name == "linear" || options.name == "cosine")
    require(options.total > options.warm_up, "schedule: ", options.name,
            " must end after the warm-up of ", options.warm_up, " steps, got a total of ",
            options.total);
}

double Schedule::operator()(Index step) const {
  if (step < options_.warm_up) return ratio(step + 1, options_.warm_up);
  return after_warm_up(step);
}

double Schedule::after_warm_up(Index step) const {
  const ScheduleOptions& o = options_;
  const auto above_floor = [&](double factor) { return o.floor + (1 - o.floor) * factor; };
  if (o.name == "linear" || o.name == "cosine") {
    const Index left = std::max<Index>(o.total - step, 0), fall = o.total - o.warm_up;
    if (o.name == "linear") return above_floor(ratio(left, fall));
    return above_floor((1 + std::cos(std::numbers::pi * ratio(fall - left, fall))) / 2);
  }
  if (o.name == "inverse-sqrt") return std::sqrt(ratio(std::max<Index>(o.warm_up, 1), step + 1));
  return scale_;  // 1 unless it is plateau
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
