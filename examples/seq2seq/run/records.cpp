#include "examples/seq2seq/run/records.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "autograd/support/checksum.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"

namespace adjoint::seq2seq {
namespace {

namespace fs = std::filesystem;
using Value = nlohmann::json;

constexpr std::uint64_t longest_file = std::uint64_t{1} << 28;
constexpr auto remedy = "; delete it from the folder of the model, and a resumed run begins anew";

// ---- Values -------------------------------------------------------------------------------------

// The JSON library would round a fraction and let a large number overflow.
Index whole(const Value& json) {
  constexpr std::uint64_t most = std::uint64_t{1} << 53;
  require(json.is_number_unsigned() && json.get<std::uint64_t>() <= most,
          "a number of steps, epochs, pairs or words is not a whole number");
  return json.get<Index>();
}

// JSON has no NaN, so it was written as null.
double number(const Value& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

template <class T>
std::vector<T> list(const Value& json, T (*item)(const Value&)) {
  require(json.is_array(), "a list is missing");
  std::vector<T> result;
  for (const Value& each : json) result.push_back(item(each));
  return result;
}

std::string text(const Value& json) { return json.get<std::string>(); }

std::optional<double> number_if_there(const Value& json, const char* name) {
  if (!json.contains(name)) return std::nullopt;
  return number(json[name]);
}

bool is_source(const Value& side) {
  require(side == "source" || side == "target", "attention is between source and target");
  return side == "source";
}

bool is_base64(const std::string& text, Index bytes) {
  constexpr auto digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto padding = static_cast<std::size_t>((3 - bytes % 3) % 3);
  return std::ssize(text) == (bytes + 2) / 3 * 4 && text.ends_with(std::string(padding, '=')) &&
         text.find_first_not_of(digits) >= text.size() - padding;
}

// ---- Lines --------------------------------------------------------------------------------------

void read_beginning(const Value& json, Records& records) {
  records.model = text(json.at("model"));
  records.first_step = whole(json.at("step"));
  records.split = text(json.at("split"));
  records.groups = list(json.at("groups"), text);
  records.frequencies = list(json.at("frequencies"), whole);
  records.train_pairs = whole(json.at("train_pairs"));
  records.validation_pairs = whole(json.at("validation_pairs"));
  records.held_out_pairs = whole(json.at("held_out_pairs"));
  for (const Value& each : json.at("sentences"))
    records.sentences.push_back({text(each.at("source")), text(each.at("reference")),
                                 list(each.at("source_tokens"), text),
                                 list(each.at("target_tokens"), text)});
}

void read_step(const Value& json, Records& records) {
  Records::Step step = {.step = whole(json.at("step")),
                        .loss = number(json.at("loss")),
                        .gradient_norm = number(json.at("gradient_norm")),
                        .learning_rate = number(json.at("learning_rate"))};
  require(records.steps.empty() || records.steps.back().step < step.step,
          "a step is not after the one before it");
  if (json.contains("update_ratios")) step.update_ratios = list(json["update_ratios"], number);
  require(step.update_ratios.empty() || step.update_ratios.size() == records.groups.size() + 1,
          step.update_ratios.size(), " update ratios for ", records.groups.size(), " groups");
  records.steps.push_back(std::move(step));
}

void read_epoch(const Value& json, Records& records) {
  const Records::Epoch epoch = {.step = whole(json.at("step")),
                                .epoch = whole(json.at("epoch")),
                                .training_loss = number(json.at("training_loss")),
                                .validation_loss = number_if_there(json, "validation_loss"),
                                .bleu = number_if_there(json, "bleu"),
                                .best = json.at("best").get<bool>()};
  require((records.epochs.empty() ? 0 : records.epochs.back().epoch) < epoch.epoch,
          "an epoch is not after the one before it");
  records.epochs.push_back(epoch);
}

Records::Attention attention_from(const Value& json, const Records::Sentence& sentence) {
  Records::Attention attention = {.layer = text(json.at("layer")),
                                  .source_keys = is_source(json.at("keys")),
                                  .source_queries = is_source(json.at("queries")),
                                  .sizes = list(json.at("sizes"), whole),
                                  .weights = text(json.at("weights")),
                                  .entropies = list(json.at("entropies"), number)};
  const auto tokens = [&](bool source) {
    return std::ssize(source ? sentence.source_tokens : sentence.target_tokens);
  };
  const Index heads = std::ssize(attention.entropies), queries = tokens(attention.source_queries),
              keys = tokens(attention.source_keys);
  require(attention.sizes == std::vector<Index>{heads, queries, keys} &&
              is_base64(attention.weights, heads * queries * keys),
          "the attention of ", printable_line(attention.layer), " does not fit its sentence");
  return attention;
}

void read_look(const Value& json, Records& records) {
  Records::Look look = {.step = whole(json.at("step")), .epoch = whole(json.at("epoch"))};
  require(records.looks.empty() || records.looks.back().epoch < look.epoch,
          "an epoch is not after the one before it");
  if (json.contains("translations")) {
    look.translations = list(json["translations"], text);
    require(look.translations.size() == records.sentences.size(), look.translations.size(),
            " translations of ", records.sentences.size(), " sentences");
  }
  if (json.contains("attention")) {
    require(json["attention"].size() <= records.sentences.size(),
            "attention of more sentences than there are");
    for (const Value& sentence : json["attention"]) {
      auto& layers = look.attention.emplace_back();
      for (const Value& layer : sentence)
        layers.push_back(attention_from(layer, records.sentences[look.attention.size() - 1]));
    }
  }
  records.looks.push_back(std::move(look));
}

void read_line(const Value& json, Records& records) {
  const std::string kind = json.at("kind");
  if (kind == "begin")
    read_beginning(json, records);
  else if (kind == "machine")
    records.machines.push_back(text(json.at("machine")));
  else if (kind == "step")
    read_step(json, records);
  else if (kind == "epoch")
    read_epoch(json, records);
  else if (kind == "look" || kind == "last look")
    read_look(json, records);
  else if (kind == "not finite")
    records.not_finite = whole(json.at("step"));
  else
    fail("an unknown kind of line, '", printable_line(kind), "'");
}

// ---- The file -----------------------------------------------------------------------------------

// Calls use(json, line) for each complete line; an Error that it throws names the line.
void each_line(const fs::path& file, const auto& use) {
  const std::string bytes = read_regular_file(file, longest_file);
  const std::size_t end = bytes.rfind('\n') + 1;  // 0 if there is none
  std::size_t number = 0;
  for (const std::string& line : lines_of(std::string_view(bytes).substr(0, end))) {
    ++number;
    try {
      const Value json = Value::parse(line);
      require((json.at("kind") == "begin") == (number == 1),
              "the file does not begin as it should");
      whole(json.at("step"));
      require(number > 1 || json.at("format") == records_format,
              "another version of the program wrote it");
      use(json, line);
    } catch (const std::exception& error) {  // the JSON library's, and ours
      const bool ours = dynamic_cast<const Error*>(&error) != nullptr;
      fail(file.string(), ": line ", number, " is not one of the records of a run",
           ours ? text_from(": ", error.what()) : "", remedy);
    }
  }
  require(number > 0, file.string(), ": has no complete line", remedy);
}

void require_model(const Records& records, const fs::path& folder, const Model& model) {
  require(records.model == model_digest(model, folder), (folder / records_file).string(),
          ": does not belong to the model beside it; it has been changed, or comes from another "
          "model",
          remedy);
}

}  // namespace

bool is_recorded(Index i, Index all) {
  Index stride = 1;
  while (i > all * stride) stride *= 2;
  return i % stride == 0;
}

std::string model_digest(const Model& model, const fs::path& folder) {
  std::string text;
  for (const auto& [name, content] : weights_metadata(model.settings, folder))
    text += name + '\n' + content + '\n';
  return text_from(std::hex, crc32(text));
}

Records read_records(const fs::path& folder) {
  const fs::path file = folder / records_file;
  std::error_code ignored;
  require(!fs::is_regular_file(folder, ignored), folder.string(),
          ": a file of weights has no report; give the folder of its run, ",
          folder_of(folder).string());
  const bool can_resume = fs::exists(folder / state_file, ignored);
  require(fs::exists(fs::symlink_status(file, ignored)), folder.string(), ": has no ", records_file,
          ", which a run writes for the report: the model comes from ",
          can_resume ? "an earlier version, or from `train --records off`; `train --resume` with "
                       "more epochs begins it"
                     : "`average`, from a program, or from an earlier version; `train --from` "
                       "begins a run with it");
  Records records;
  each_line(file, [&](const Value& json, const std::string&) { read_line(json, records); });
  return records;
}

Records read_records(const fs::path& folder, const Model& model) {
  Records records = read_records(folder);
  require_model(records, folder, model);
  return records;
}

std::string records_until(const fs::path& folder, Index step, const Model& model) {
  require_model(read_records(folder), folder, model);
  std::string kept;
  each_line(folder / records_file, [&](const Value& json, const std::string& line) {
    // What a run wrote when it ended is not part of one that goes on.
    const bool at_end = json["kind"] == "last look" || json["kind"] == "not finite";
    if (json["step"].get<Index>() <= step && !at_end) kept += line + '\n';
  });
  return kept;
}

}  // namespace adjoint::seq2seq
