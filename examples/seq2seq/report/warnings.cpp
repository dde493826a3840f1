#include "examples/seq2seq/report/warnings.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <map>

#include "examples/seq2seq/run/run.h"

namespace adjoint::seq2seq {
namespace {

std::string digits(double x) { return text_from(std::setprecision(3), x); }

void look_at_numbers(const Records& records, std::vector<Warning>& found) {
  if (records.not_finite)
    found.push_back(
        {"not finite", text_from("The gradient of step ", *records.not_finite,
                                 " was NaN or infinite, and the run ended there. With "
                                 "--detect-anomaly it says which operation was the cause; "
                                 "a lower --learning-rate, --warm-up or --clip may prevent it.")});
  std::string where;
  for (const Records::Step& step : records.steps)
    if (where.empty() && !std::isfinite(step.loss)) where = text_from("of step ", step.step);
  for (const Records::Epoch& epoch : records.epochs)
    if (where.empty() &&
        (!std::isfinite(epoch.training_loss) || !std::isfinite(epoch.validation_loss.value_or(0))))
      where = text_from("of epoch ", epoch.epoch);
  if (!where.empty())
    found.push_back({"not finite", text_from("The loss ", where,
                                             " was NaN or infinite. Lower --learning-rate, or "
                                             "use --warm-up or --clip.")});
}

void look_at_divergence(const Records& records, Index target_tokens, std::vector<Warning>& found) {
  if (records.epochs.empty()) return;
  const double last = records.epochs.back().training_loss;
  if (std::isfinite(last) && has_diverged(last, target_tokens))
    found.push_back(
        {"diverged",
         text_from("The training loss is ", digits(last), ", and guessing among ", target_tokens,
                   " words gives ", digits(std::log(static_cast<double>(target_tokens))),
                   ". Lower --learning-rate, or use --warm-up or --clip.")});
}

void look_for_plateau(const std::vector<Records::Epoch>& epochs, std::vector<Warning>& found) {
  const std::size_t window = std::max<std::size_t>(3, epochs.size() / 4);
  if (epochs.size() < 2 * window) return;
  const auto lowest = [](std::span<const Records::Epoch> some) {
    return std::ranges::min_element(some, {}, &Records::Epoch::training_loss)->training_loss;
  };
  const std::span<const Records::Epoch> all = epochs;
  const double before = lowest(all.first(all.size() - window)), since = lowest(all.last(window));
  if (since > 0.99 * before)
    found.push_back(
        {"plateau", text_from("Until epoch ", all[all.size() - window - 1].epoch,
                              " the training loss had fallen to ", digits(before), ", and the ",
                              window, " epochs since have only reached ", digits(since),
                              ". More --epochs alone will hardly help; --schedule plateau, another "
                              "--learning-rate, or a larger --width and --hidden may.")});
}

void look_for_memorising(const std::vector<Records::Epoch>& epochs, std::vector<Warning>& found) {
  const auto validated = [](const Records::Epoch& epoch) {
    return epoch.validation_loss && !std::isnan(*epoch.validation_loss);
  };
  if (epochs.empty() || !std::ranges::all_of(epochs, validated)) return;
  const auto best = std::ranges::min_element(
      epochs, {}, [](const Records::Epoch& epoch) { return *epoch.validation_loss; });
  const Records::Epoch& last = epochs.back();
  const std::ptrdiff_t since = epochs.end() - 1 - best;
  if (since >= std::max<std::ptrdiff_t>(3, std::ssize(epochs) / 5) &&
      last.training_loss < 0.95 * best->training_loss)
    found.push_back(
        {"memorising",
         text_from("The validation loss was lowest after epoch ", best->epoch, ": ",
                   digits(*best->validation_loss), ", now ", digits(*last.validation_loss),
                   ". Since then the training loss has still fallen, from ",
                   digits(best->training_loss), " to ", digits(last.training_loss),
                   ". Use --keep best or --patience, or more --dropout.")});
}

void look_at_lengths(const Scored& scored, std::vector<Warning>& found) {
  std::size_t outputs = 0, references = 0, endless = 0;
  for (const Scored::Sentence& sentence : scored.sentences()) {
    outputs += sentence.output.size();
    references += sentence.reference.size();
    endless += sentence.output.size() > 2 * sentence.reference.size() + 10;
  }
  const double ratio = static_cast<double>(outputs) / static_cast<double>(references);
  if (references > 0 && (ratio < 0.9 || ratio > 1.1))
    found.push_back(
        {"lengths",
         text_from("The outputs have ", outputs, " words and the references ", references, ": ",
                   digits(100 * ratio), "% of them. Train for more --epochs; ",
                   ratio < 1 ? "`translate --beam 4` with a higher --length-penalty favours "
                               "longer answers."
                             : "--max-length of `translate` cuts answers off.")});
  if (endless > 0)
    found.push_back({"lengths", text_from(endless, endless == 1 ? " output is" : " outputs are",
                                          " more than twice as long as the reference; such an "
                                          "output often repeats itself. Train for more --epochs; "
                                          "--max-length of `translate` cuts answers off.")});
}

// "layer head 1, 3; layer head 2": those that are over 95% of uniform, averaged over sentences.
std::string uniform_heads(const Records::Look& look) {
  std::map<std::string, std::vector<double>> sums;  // of each head's entropies, by layer
  for (const auto& sentence : look.attention)
    for (const Records::Attention& layer : sentence) {
      std::vector<double>& own = sums[layer.layer];
      own.resize(layer.entropies.size());
      for (std::size_t head = 0; head < own.size(); ++head) own[head] += layer.entropies[head];
    }
  std::string where;
  for (const auto& [layer, entropies] : sums) {
    std::string heads;
    for (std::size_t head = 0; head < entropies.size(); ++head)
      if (entropies[head] > 0.95 * static_cast<double>(look.attention.size()))
        heads += text_from(heads.empty() ? "" : ", ", head + 1);
    if (!heads.empty()) where += text_from(where.empty() ? "" : "; ", layer, " head ", heads);
  }
  return where;
}

void look_at_attention(const Records& records, bool recurrent, std::vector<Warning>& found) {
  if (records.looks.empty() || records.looks.back().epoch == 0) return;
  const Records::Look& last = records.looks.back();
  const std::string where = uniform_heads(last);
  if (!where.empty())
    found.push_back({"attention", text_from("After epoch ", last.epoch,
                                            " these heads attend to all keys nearly alike: ", where,
                                            ". Train for more --epochs",
                                            recurrent ? "." : ", or do with fewer --heads.")});
}

void look_at_steps(const Records& records, const Settings& settings, std::vector<Warning>& found) {
  const std::span<const Records::Step> late =
      std::span(records.steps).subspan(records.steps.size() * 3 / 4);
  std::vector<double> ratios;
  for (const Records::Step& step : late)
    if (!step.update_ratios.empty() && !std::isnan(step.update_ratios.back()))
      ratios.push_back(step.update_ratios.back());
  if (!ratios.empty()) {
    const auto middle = ratios.begin() + std::ssize(ratios) / 2;
    std::ranges::nth_element(ratios, middle);
    if (*middle > 1.0 / 30 || *middle < 1e-5)
      found.push_back(
          {"updates", text_from("A late step typically moves the weights by ", digits(*middle),
                                " of their size; around 0.001 is usual. ",
                                *middle > 0.01 ? "Lower" : "Raise", " --learning-rate.")});
  }
  const double clip = settings.training.clip;
  const auto clipped = std::ranges::count_if(
      late, [&](const Records::Step& step) { return step.gradient_norm > clip; });
  if (clip > 0 && late.size() >= 20 && clipped * 10 > std::ssize(late) * 9)
    found.push_back({"clipping", text_from(clipped, " of the last ", late.size(),
                                           " recorded gradients were longer than --clip ", clip,
                                           ", so clipping sets their size. Raise --clip.")});
}

}  // namespace

std::vector<Warning> warnings(const Records& records, const Settings& settings, Index target_tokens,
                              const Scored* scored) {
  std::vector<Warning> found;
  look_at_numbers(records, found);
  look_at_divergence(records, target_tokens, found);
  look_for_plateau(records.epochs, found);
  look_for_memorising(records.epochs, found);
  if (scored) look_at_lengths(*scored, found);
  look_at_attention(records, settings.model.is_recurrent(), found);
  look_at_steps(records, settings, found);
  if (records.first_step > 0)
    found.push_back({"incomplete", text_from("The records begin after step ", records.first_step,
                                             ": before that, the run wrote none. `train "
                                             "--restart` writes them from the beginning.")});
  return found;
}

}  // namespace adjoint::seq2seq
