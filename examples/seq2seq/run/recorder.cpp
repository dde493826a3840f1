#include "examples/seq2seq/run/recorder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <system_error>
#include <unordered_map>

#include "autograd/kernels/blas.h"
#include "autograd/support/files.h"
#include "autograd/support/version.h"
#include "examples/seq2seq/model/translation.h"
#include "examples/seq2seq/run/recorded_attention.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr Index all_steps = 1000, all_measured = 32, all_looks = 32;  // for is_recorded()
// A look takes about as long as training on ten pairs, and 1% of the time may go into looks.
// Measuring how far the weights move takes about as long as training on half a pair.
constexpr Index pairs_between_looks = 1500, pairs_between_measurements = 100;
constexpr std::size_t sentence_count = 8, watched_count = 3;
constexpr Index watched_weights = 16384;  // of all layers and heads, for all watched sentences

// Five digits are more than a curve shows. JSON has neither NaN nor infinity.
std::string digits(double x) {
  if (!std::isfinite(x)) return "null";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x, std::chars_format::general, 5).ptr};
}
Json rounded(double x) { return Json::parse(digits(x)); }

Json rounded(const std::vector<double>& numbers) {
  Json json = Json::array();
  for (const double each : numbers) json.push_back(rounded(each));
  return json;
}

std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json json_of(const Records::Attention& layer) {
  return {{"layer", layer.layer},
          {"queries", layer.source_queries ? "source" : "target"},
          {"keys", layer.source_keys ? "source" : "target"},
          {"sizes", layer.sizes},
          {"entropies", rounded(layer.entropies)},
          {"weights", layer.weights}};
}

Json json_of(const data::Pair& pair, const data::Tokenizers& tokenizers) {
  data::Tokens source = pair.source, target = pair.target;
  source.emplace_back(data::Vocabulary::reserved[data::Vocabulary::eos]);
  target.emplace(target.begin(), data::Vocabulary::reserved[data::Vocabulary::bos]);
  return {{"source", tokenizers.source.detokenize(pair.source)},
          {"reference", tokenizers.target.detokenize(pair.target)},
          {"source_tokens", source},
          {"target_tokens", target}};
}

// How often each word of the vocabulary occurs, in the order of their ids.
std::vector<Index> frequencies(const std::vector<data::Pair>& pairs,
                               const data::Vocabulary& vocabulary) {
  std::unordered_map<std::string, Index> counts;
  for (const data::Pair& pair : pairs)
    for (const std::string& token : pair.target) ++counts[token];
  std::vector<Index> result;
  for (Index id = std::ssize(data::Vocabulary::reserved); id < vocabulary.size(); ++id)
    result.push_back(counts[vocabulary.token(id)]);
  return result;
}

// The split that sentences are chosen from: the first of these that is not empty.
std::pair<const char*, const std::vector<data::Pair>&> watched_split(const Dataset& dataset) {
  if (!dataset.validation.empty()) return {"validation", dataset.validation};
  if (!dataset.held_out.empty()) return {"held-out", dataset.held_out};
  return {"training", dataset.train};
}

// a / b, rounded up; a and b are positive.
Index quotient_up(Index a, Index b) { return 1 + (a - 1) / b; }

Index pairs_in_step(const TrainingSettings& settings, const std::vector<data::Pair>& pairs) {
  if (settings.batch_tokens == 0) return settings.batch;
  Index tokens = 0;
  for (const data::Pair& pair : pairs) tokens += std::ssize(pair.target) + 1;
  return quotient_up(std::min(settings.batch_tokens, tokens) * std::ssize(pairs), tokens);
}

}  // namespace

Recorder::Recorder(const Model& model, const Dataset& dataset, const fs::path& folder, Index steps)
    : model_(model),
      file_(folder / records_file),
      meter_(*model.network),
      epochs_between_looks_(quotient_up(pairs_between_looks, std::ssize(dataset.train))),
      steps_between_measurements_(quotient_up(
          pairs_between_measurements, pairs_in_step(model.settings.training, dataset.train))) {
  choose_sentences(dataset);
  if (steps > 0 && fs::exists(file_))
    text_ = records_until(folder, steps, model);
  else
    begin(dataset, steps);
  write_machine(steps);
  write_file(file_, text_);
  text_.clear();
}

// Sentences of all lengths, those of middle length first. Those whose attention is recorded come
// before the others: as many as are not too large together.
void Recorder::choose_sentences(const Dataset& dataset) {
  const auto& [split, pairs] = watched_split(dataset);
  split_ = split;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (!pairs[i].source.empty()) order.push_back(i);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return pairs[i].source.size(); });
  const std::size_t count = std::min(sentence_count, order.size());
  std::vector<std::size_t> quantiles(count);
  std::iota(quantiles.begin(), quantiles.end(), 0);
  std::ranges::stable_sort(
      quantiles, {}, [&](std::size_t q) { return q * 2 > count ? q * 2 - count : count - q * 2; });
  for (const std::size_t q : quantiles)
    sentences_.push_back(pairs[order[(2 * q + 1) * order.size() / (2 * count)]]);

  Index weights = 0;
  for (std::size_t i = 0; i < count && watched_ < watched_count; ++i) {
    const Index own = count_weights(recorded_attention(model_, sentences_[i]));
    if (weights + own > watched_weights) continue;
    weights += own;
    const auto place = sentences_.begin() + static_cast<std::ptrdiff_t>(i);
    std::rotate(sentences_.begin() + static_cast<std::ptrdiff_t>(watched_++), place, place + 1);
  }
}

void Recorder::begin(const Dataset& dataset, Index steps) {
  Json sentences = Json::array();
  for (const data::Pair& pair : sentences_) sentences.push_back(json_of(pair, model_.tokenizers));
  text_ = line({{"step", steps},
                {"kind", "begin"},
                {"format", records_format},
                {"model", model_digest(model_, file_.parent_path())},
                {"split", split_},
                {"train_pairs", dataset.train.size()},
                {"validation_pairs", dataset.validation.size()},
                {"held_out_pairs", dataset.held_out.size()},
                {"groups", meter_.groups()},
                {"sentences", sentences},
                {"frequencies", frequencies(dataset.train, model_.target)}});
  if (steps == 0) look(0, 0, "look");
}

// A run may continue on another machine.
void Recorder::write_machine(Index step) {
  const std::string ending = line({{"machine", machine_description()}}).substr(1);
  const std::size_t last = text_.rfind(R"("kind":"machine")");
  const bool same = last != std::string::npos &&
                    text_.substr(last, text_.find('\n', last) + 1 - last).ends_with(ending);
  if (!same)
    text_ += line({{"step", step}, {"kind", "machine"}, {"machine", machine_description()}});
}

bool Recorder::is_measured(Index step) const {
  return step == 1 || (is_recorded(step, all_steps) && step % steps_between_measurements_ == 0 &&
                       is_recorded(step / steps_between_measurements_, all_measured));
}

void Recorder::before_step(Index step) {
  if (is_measured(step)) meter_.before_step();
}

void Recorder::after_step(Index step, const nn::StepResult& result, double learning_rate) {
  if (!is_recorded(step, all_steps)) return;
  // A step of a small model takes little longer than the JSON library with its line.
  text_ += text_from(R"({"step":)", step, R"(,"kind":"step","loss":)", digits(result.loss),
                     R"(,"gradient_norm":)", digits(result.gradient_norm), R"(,"learning_rate":)",
                     digits(learning_rate));
  if (is_measured(step)) text_ += R"(,"update_ratios":)" + rounded(meter_.ratios()).dump();
  text_ += "}\n";
}

void Recorder::end_epoch(Index step, Index epoch, const EpochResult& result) {
  Json json = {
      {"step", step}, {"kind", "epoch"}, {"epoch", epoch}, {"training_loss", rounded(result.loss)}};
  if (result.validation_loss) json["validation_loss"] = rounded(*result.validation_loss);
  if (result.bleu) json["bleu"] = rounded(*result.bleu);
  json["best"] = result.best;
  text_ += line(json);
  if (is_looked_at(epoch)) look(step, epoch, "look");
}

void Recorder::end(Index step, Index epoch) {
  if (!is_looked_at(epoch)) look(step, epoch, "last look");
  save();
}

bool Recorder::is_looked_at(Index epoch) const {
  return epoch % epochs_between_looks_ == 0 &&
         is_recorded(epoch / epochs_between_looks_, all_looks);
}

void Recorder::look(Index step, Index epoch, const char* kind) {
  if (sentences_.empty()) return;
  Json json = {{"step", step}, {"kind", kind}, {"epoch", epoch}};
  try {
    json["translations"] =
        as_text(translate(model_, data::sources(sentences_)), model_.tokenizers.target);
  } catch (const Error&) {
    // The logits are NaN. That must not end the run, and the report says so.
  }
  for (std::size_t i = 0; i < watched_; ++i) {
    Json layers = Json::array();
    for (const Records::Attention& layer : recorded_attention(model_, sentences_[i]))
      layers.push_back(json_of(layer));
    if (!layers.empty()) json["attention"].push_back(layers);
  }
  text_ += line(json);
}

void Recorder::not_finite(Index step) { text_ += line({{"step", step}, {"kind", "not finite"}}); }

void Recorder::save() {
  std::ofstream file(file_, std::ios::app | std::ios::binary);
  file << text_ << std::flush;
  require(file.good(), "cannot write ", file_.string(), ": ",
          std::generic_category().message(errno));
  text_.clear();
}

std::string machine_description() {
  std::string processor = "unknown processor";
  std::error_code ignored;
  if (fs::exists("/proc/cpuinfo", ignored))
    for (const std::string& entry : read_lines("/proc/cpuinfo"))
      if (entry.starts_with("model name") && entry.find(": ") != std::string::npos) {
        processor = entry.substr(entry.find(": ") + 2);
        break;
      }
  return text_from(processor, "; ", ::sysconf(_SC_NPROCESSORS_ONLN), " cores; adjoint ", version,
                   ", ", kernels::blas_description());
}

}  // namespace adjoint::seq2seq
