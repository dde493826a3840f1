#include "examples/seq2seq/run/run.h"

#include <algorithm>
#include <cmath>

#include "autograd/support/checksum.h"
#include "examples/seq2seq/model/translation.h"
#include "examples/seq2seq/run/alignments.h"
#include "nn/translation/encoding.h"

namespace adjoint::seq2seq {
namespace {

std::uint64_t at(Index i) { return static_cast<std::uint64_t>(i); }

constexpr auto log_entry = "logged";
constexpr auto alignment_key = "alignment_digest";
constexpr auto validation_key = "validation_digest", held_out_key = "held_out_digest";

// CRC-32 of the tokens.
std::string digest(const std::vector<data::Pair>& pairs) {
  std::uint32_t sum = 0;
  for (const data::Pair& pair : pairs)
    for (const data::Tokens* side : {&pair.source, &pair.target}) {
      for (const std::string& token : *side) sum = crc32(token + '\n', sum);
      sum = crc32("\n", sum);
    }
  return std::to_string(sum);
}

data::EncodedPairs training_pairs(const Model& model, const Dataset& dataset) {
  data::EncodedPairs pairs = encode_pairs(model, dataset.train);
  pairs.alignments = dataset.alignments;
  return pairs;
}

nn::TrainerOptions trainer_options(const Settings& settings, const Dataset& dataset) {
  nn::TrainerOptions options = settings.training.trainer_options();
  if (!dataset.alignments.empty()) options.guided = settings.guided_head();
  return options;
}

// The figure of --best-by, in percent.
double validation_figure(const Model& model, const std::vector<data::Pair>& pairs,
                         const std::vector<data::Tokens>& translations) {
  const std::string& name = model.settings.training.best_by;
  const std::vector<data::Tokens> references = data::targets(pairs);
  if (name == "exact") return 100 * data::sequence_accuracy(translations, references);
  if (name == "token-errors") return data::word_error_rate(translations, references).rate;
  const std::vector<std::string> texts = as_text(translations, model.tokenizers.target),
                                 expected = as_text(references, model.tokenizers.target);
  return name == "chrf" ? data::corpus_chrf(texts, expected).score
                        : data::corpus_ter(texts, expected).score;
}

nn::ScheduleOptions schedule_of(const TrainingSettings& settings, Index steps_in_epoch) {
  settings.check_warm_up(steps_in_epoch);
  return settings.schedule_options(steps_in_epoch);
}

}  // namespace

Run::Run(Model& model, const Dataset& dataset)
    : model_(model),
      dataset_(dataset),
      settings_(model.settings.training),
      pairs_(training_pairs(model, dataset)),
      validation_(encode_pairs(model, dataset.validation)),
      batches_(pairs_, settings_.batch_size(), Key(settings_.seed).child("order")),
      optimizer_(settings_.make_optimizer(nn::parameters(*model.network))),
      schedule_(schedule_of(settings_, batches_.batches_in_epoch())),
      trainer_(*model.network, *optimizer_, trainer_options(model.settings, dataset)),
      best_(settings_.patience_options()) {
  if (settings_.subword_dropout > 0) other_cuts_.emplace(model, dataset);
  if (settings_.average > 0) average_.emplace(nn::parameters(*model.network), settings_.average);
}

bool Run::finished() const { return epochs_done() >= settings_.epochs || out_of_patience(); }

std::optional<Index> Run::best_epoch() const {
  if (!std::isfinite(best_.best())) return std::nullopt;
  return epochs_done() - best_.since_best();
}

data::EncodedPairs Run::next_batch(data::Batches& batches) const {
  if (!other_cuts_) return batches.next();
  const Index epoch = batches.epoch();
  return (*other_cuts_)(batches.next_indices(), epoch);
}

nn::StepResult Run::step() {
  const data::EncodedPairs batch = next_batch(batches_);
  optimizer_->set_learning_rate(optimizer_->initial_learning_rate() * schedule_(steps()));
  const nn::StepResult result = trainer_.step(batch.sources, batch.targets, batch.alignments);
  if (average_) average_->update();
  epoch_loss_ += result.loss * static_cast<double>(result.tokens);
  epoch_tokens_ += result.tokens;
  epoch_alignment_loss_ += result.alignment_loss * static_cast<double>(result.aligned);
  epoch_aligned_ += result.aligned;
  return result;
}

bool Run::check_is_due() const {
  return settings_.gradcheck_every > 0 && (steps() + 1) % settings_.gradcheck_every == 0;
}

GradcheckReport Run::check_gradient() const {
  data::Batches copy = batches_;  // the original stays where it is
  const data::EncodedPairs batch = next_batch(copy);
  const auto stand_in = model_.settings.network(model_.source.size(), model_.target.size());
  const auto loss = [&](const Tensors& weights) {
    auto next = weights.begin();
    nn::replace_parameters(*stand_in, [&](const std::string&, const Tensor&) { return *next++; });
    return Tensors{trainer_.next_loss(*stand_in, batch.sources, batch.targets, batch.alignments)};
  };
  // The loss is one number, so one cotangent suffices; the elements are to find one in a direction
  // that is wrong.
  GradcheckOptions options{.key = Key(settings_.seed).child("gradcheck").child(at(steps())),
                           .elements_up_to = 0,
                           .cotangents = 1,
                           .projections = 2,
                           .coordinates = 2};
  Tensors weights;
  for (const nn::NamedTensor& parameter : nn::named_parameters(*model_.network)) {
    options.names.push_back(parameter.name);
    weights.push_back(parameter.tensor);
  }
  return gradcheck(loss, weights, options);
}

EpochResult Run::end_epoch() {
  EpochResult result{.loss = epoch_loss_ / static_cast<double>(epoch_tokens_)};
  last_loss_ = result.loss;
  if (epoch_aligned_ > 0)
    result.alignment_loss = epoch_alignment_loss_ / static_cast<double>(epoch_aligned_);
  epoch_loss_ = epoch_alignment_loss_ = 0;
  epoch_tokens_ = epoch_aligned_ = 0;
  if (validation_.size() == 0) return result;

  const auto guard = with_average();
  result.validation_loss = validation_loss();
  const std::vector<data::Pair>& pairs = dataset_.validation;
  if (settings_.translates_validation()) {
    const std::vector<data::Tokens> translations = translate(model_, data::sources(pairs));
    if (settings_.validation_bleu || settings_.best_by == "bleu")
      result.bleu = score(model_, pairs, translations).bleu.score;
    if (settings_.best_by != "loss")
      result.figure = result.bleu && settings_.best_by == "bleu"
                          ? *result.bleu
                          : validation_figure(model_, pairs, translations);
  }
  result.best = is_best(result);
  schedule_.observe(*result.validation_loss);
  return result;
}

// BLEU and the share of right sentences are often 0 or unchanged. At a tie the lower loss decides.
bool Run::is_best(const EpochResult& result) {
  if (settings_.best_by == "loss") return best_.observe(*result.validation_loss);
  const bool tie = *result.figure == best_.best() && *result.validation_loss < best_loss_;
  const bool best = best_.observe(*result.figure) || tie;
  if (tie) best_.renew();
  if (best) best_loss_ = *result.validation_loss;
  return best;
}

double Run::validation_loss() const {
  double loss = 0;
  Index tokens = 0;
  const auto size = static_cast<std::size_t>(settings_.batch);
  for (std::size_t begin = 0; begin < validation_.size(); begin += size) {
    const std::size_t count = std::min(size, validation_.size() - begin);
    const nn::StepResult result =
        trainer_.evaluate(std::span(validation_.sources).subspan(begin, count),
                          std::span(validation_.targets).subspan(begin, count));
    loss += result.loss * static_cast<double>(result.tokens);
    tokens += result.tokens;
  }
  return loss / static_cast<double>(tokens);
}

std::unique_ptr<nn::WithAverage> Run::with_average() {
  return average_ && steps() > 0 ? std::make_unique<nn::WithAverage>(*average_) : nullptr;
}

// The fixed settings come first, so that an Error about a mismatch names them first.
void Run::state(nn::State& visit) {
  visit("data", batches_)("trainer", trainer_)("schedule", schedule_)("best", best_);
  visit("model", *model_.network)("optimizer", *optimizer_);
  if (average_) visit("average", *average_);
  visit("epoch_loss", epoch_loss_)("epoch_tokens", epoch_tokens_);
  // Stored only where needed, so that runs of earlier versions can be resumed.
  if (settings_.best_by != "loss") visit("best_loss", best_loss_);
  if (!dataset_.alignments.empty()) {
    visit.fixed(alignment_key, digest(dataset_.alignments));
    visit("epoch_alignment_loss", epoch_alignment_loss_)("epoch_aligned", epoch_aligned_);
  }
  if (Index logged = 1; logged_) visit(log_entry, logged);
  visit.fixed_if_stored(validation_key, digest(dataset_.validation));
  visit.fixed_if_stored(held_out_key, digest(dataset_.held_out));
}

bool Run::has_log(const nn::Metadata& state) { return state.contains(log_entry); }

void Run::require_same_alignments(const nn::Metadata& state) const {
  const auto stored = state.find(alignment_key);
  const bool had = stored != state.end(), has = !dataset_.alignments.empty();
  require(has || !had, "--resume: the run learns from alignments; give the same --alignment");
  require(
      had || !has,
      "--resume: the run began without --alignment; leave it out, or start over with --restart");
  require(!has || stored->second == digest(dataset_.alignments),
          "--resume: the alignments have changed since the run began; give the same file");
}

std::vector<std::string> Run::changed_splits(const nn::Metadata& state) const {
  std::vector<std::string> changed;
  const auto compare = [&](const char* split, const char* key, const std::string& digest) {
    const auto stored = state.find(key);
    if (stored != state.end() && stored->second != digest) changed.emplace_back(split);
  };
  compare("training", "data.pairs_digest", std::to_string(batches_.digest().value()));
  compare("validation", validation_key, digest(dataset_.validation));
  compare("held-out", held_out_key, digest(dataset_.held_out));
  return changed;
}

}  // namespace adjoint::seq2seq
