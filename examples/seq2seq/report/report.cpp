#include "examples/seq2seq/report/report.h"

#include <nlohmann/json.hpp>

#include "autograd/support/version.h"
#include "examples/seq2seq/report/json.h"
#include "examples/seq2seq/report/page/page.h"
#include "examples/seq2seq/report/warnings.h"

namespace adjoint::seq2seq {
namespace {

Frequency frequencies_of(const ReportedRun& run) {
  return [&run](const std::string& word) -> Index {
    const std::vector<Index>& counts = run.records.frequencies;
    const Index place = run.model.target.id(word) - std::ssize(data::Vocabulary::reserved);
    return place >= 0 && place < std::ssize(counts) ? counts[static_cast<std::size_t>(place)] : 0;
  };
}

Json describe(const ReportedRun& run, const Scored* scored) {
  const Settings& settings = run.model.settings;
  Json values = Json::array(), warned = Json::array();
  for (const auto& [name, value] : settings.values()) values.push_back({name, value});
  for (const Warning& warning : warnings(run.records, settings, run.model.target.size(), scored))
    warned.push_back({{"title", warning.title}, {"text", warning.text}});
  Json json = {{"name", run.name},
               {"model", settings.model.model},
               {"seed", std::to_string(settings.training.seed)},
               {"clip", settings.training.clip},
               {"parameters", nn::parameter_count(*run.model.network)},
               {"source_words", run.model.source.size()},
               {"target_words", run.model.target.size()},
               {"settings", values},
               {"warnings", warned},
               {"scores", scored ? json_of(*scored, frequencies_of(run)) : Json()}};
  json.update(json_of(run.records));
  return json;
}

bool same_pairs(const std::vector<data::Pair>& a, const std::vector<data::Pair>& b) {
  return std::ranges::equal(a, b, [](const data::Pair& x, const data::Pair& y) {
    return x.source == y.source && x.target == y.target;
  });
}

// The second run less the first, on the same sentences in every draw: Koehn's paired bootstrap.
Json compare(const Scored& a, const Scored& b) {
  const auto less = [&](const auto& score, const char* name) {
    return json_of(bootstrap(
        a.sentences().size(),
        [&](std::span<const int> times) { return (b.*score)(times) - (a.*score)(times); },
        Key(1).child("difference").child(name)));
  };
  return {{"bleu", less(&Scored::bleu, "bleu")}, {"exact", less(&Scored::exact, "exact")}};
}

}  // namespace

ReportedRun ReportedRun::load(const std::filesystem::path& folder) {
  Model model = seq2seq::load(folder);
  Records records = read_records(folder, model);
  std::vector<data::Pair> held_out = load_held_out(folder, model);
  const std::filesystem::path whole = std::filesystem::absolute(folder / "").lexically_normal();
  return {whole.parent_path().filename().string(), std::move(model), std::move(records),
          std::move(held_out)};
}

std::string report_data(std::span<const ReportedRun> runs) {
  std::vector<std::optional<Scored>> scored;
  std::vector<std::string> problems;
  for (const ReportedRun& run : runs) {
    auto& own = scored.emplace_back();
    std::string& problem = problems.emplace_back();
    if (run.held_out.empty()) continue;
    try {
      own.emplace(run.model, run.held_out, translate(run.model, data::sources(run.held_out)));
    } catch (const Error& error) {  // the logits of a broken model are NaN
      problem = error.what();
    }
  }
  Json json = {{"version", version}, {"runs", Json::array()}};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    json["runs"].push_back(describe(runs[i], scored[i] ? &*scored[i] : nullptr));
    if (!problems[i].empty())
      json["runs"].back()["warnings"].push_back(
          {{"title", "no scores"},
           {"text", "The held-out pairs could not be translated: " + problems[i]}});
  }
  if (runs.size() == 2 && scored[0] && scored[1] && same_pairs(runs[0].held_out, runs[1].held_out))
    json["difference"] = compare(*scored[0], *scored[1]);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string report_page(std::span<const ReportedRun> runs) { return page_with(report_data(runs)); }

}  // namespace adjoint::seq2seq
