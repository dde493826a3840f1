// The mutation test of the gradient check: how many planted mistakes it finds, and how many it
// names correctly.
//
//   build/mutations            both halves; fails if a mistake is not found or too few are named
//   build/mutations transformer   only those inside a Transformer
//   build/mutations held-out   only the half that it was not tuned on
//   build/mutations sample     every fourth of that half, as make check does
//   build/mutations tuning     only the half that the diagnosis was tuned on, with all its misses
#include <cstring>
#include <iomanip>
#include <iostream>
#include <map>

#include "tests/autograd/gradcheck/mutations.h"
#include "tests/nn/checks/culprits.h"

namespace {

using namespace adjoint;
using namespace adjoint::testing;
using Kind = Diagnosis::Kind;

constexpr double wanted_rate = 0.99;

struct Count {
  int planted = 0, found = 0, named = 0;
  int clear = 0, clear_named = 0;  // only those with a single correct name
  void add(const Mutant& mutant, const Judgement& judgement) {
    ++planted;
    found += judgement.found;
    named += judgement.named;
    clear += !mutant.is_ambiguous();
    clear_named += !mutant.is_ambiguous() && judgement.named;
  }
};

struct Half {
  std::string title;
  Count all;
  std::map<Kind, Count> kinds;
  std::vector<std::string> misses;

  void add(const Mutant& mutant) {
    const Judgement judgement = judge(mutant, mutant.check());
    all.add(mutant, judgement);
    kinds[mutant.kind].add(mutant, judgement);
    if (!judgement.found || !judgement.named)
      misses.push_back(std::string(name_of(mutant.kind)) + ": " + mutant.name + " => " +
                       (judgement.found ? judgement.diagnoses : "NOT FOUND"));
  }
  double rate() const { return all.planted > 0 ? double(all.named) / all.planted : 1; }
};

double percent(int part, int whole) { return 100.0 * part / std::max(whole, 1); }

void print_row(const std::string& title, const Count& count) {
  std::cout << "  " << std::left << std::setw(16) << title << std::right << std::fixed
            << std::setprecision(1);
  for (const int number : {count.planted, count.found, count.named})
    std::cout << std::setw(8) << number;
  std::cout << std::setw(8) << percent(count.named, count.planted) << '%' << std::setw(8)
            << count.clear << std::setw(8) << percent(count.clear_named, count.clear) << "%\n";
}

void print(const Half& half) {
  std::cout << half.title
            << "\n  kind             planted   found   named     rate   clear     rate\n";
  for (const auto& [kind, count] : half.kinds) print_row(name_of(kind), count);
  print_row("all", half.all);
  for (const std::string& miss : half.misses) std::cout << "  " << miss << '\n';
  std::cout << std::endl;
}

bool passes(const Half& half) {
  return half.all.found == half.all.planted && half.rate() >= wanted_rate;
}

// Mistakes inside a Transformer: are all found, and all named by operation and scope?
bool print_culprits() {
  int planted = 0, found = 0, named = 0, diagnosed = 0;
  for (const PlantedCulprit& culprit : planted_culprits()) {
    const GradcheckReport report = culprit.check();
    ++planted;
    found += !report;
    named += culprit.named_by(report);
    diagnosed += culprit.diagnosed_by(report);
    if (!culprit.diagnosed_by(report))
      std::cout << "  " << culprit.name() << " => " << report << '\n';
  }
  std::cout << "in one operation of a Transformer: " << planted << " planted, " << found
            << " found, " << named << " with the operation and place named, " << diagnosed
            << " with the kind named\n";
  return found == planted && named == planted;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "transformer") == 0) return print_culprits() ? 0 : 1;
  const bool tuning_only = argc > 1 && std::strcmp(argv[1], "tuning") == 0;
  const bool sample = argc > 1 && std::strcmp(argv[1], "sample") == 0;
  const bool held_out_only = sample || (argc > 1 && std::strcmp(argv[1], "held-out") == 0);
  Half tuning{"the half that the diagnosis was tuned on", {}, {}, {}};
  Half held_out{"the half held out", {}, {}, {}};
  for (int number = 0; const Mutant& mutant : mutants()) {
    if (mutant.held_out() ? tuning_only : held_out_only) continue;
    if (sample && number++ % 4 != 0) continue;
    (mutant.held_out() ? held_out : tuning).add(mutant);
  }
  if (!held_out_only) print(tuning);
  if (tuning_only) return 0;
  print(held_out);
  const bool culprits = print_culprits();
  return (held_out_only || passes(tuning)) && passes(held_out) && culprits ? 0 : 1;
}
