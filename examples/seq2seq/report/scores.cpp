#include "examples/seq2seq/report/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "examples/seq2seq/report/edits.h"

namespace adjoint::seq2seq {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

// From the summed counts of sentences, as corpus_bleu() does with its default smoothing.
double bleu_from(const data::BleuScore& sums) {
  constexpr std::size_t orders = data::BleuScore::max_order;
  if (sums.counts[0] == 0 || sums.totals[orders - 1] == 0) return 0;
  double log_sum = 0, smallest_match = 1;
  for (std::size_t order = 0; order < orders; ++order) {
    const double matches =
        sums.counts[order] > 0 ? static_cast<double>(sums.counts[order]) : (smallest_match /= 2);
    log_sum += std::log(100 * matches / static_cast<double>(sums.totals[order]));
  }
  const double ratio = static_cast<double>(sums.ref_len) / static_cast<double>(sums.sys_len);
  return std::exp(std::min(0.0, 1 - ratio)) * std::exp(log_sum / orders);
}

struct LengthGroup {
  std::size_t least, most, count;
};

// Cuts the lengths into groups of at least an eighth of the sentences. The longest sentences may be
// fewer, down to a fortieth.
std::vector<LengthGroup> length_groups(const std::vector<Scored::Sentence>& sentences) {
  std::map<std::size_t, std::size_t> counts;
  for (const Scored::Sentence& sentence : sentences) ++counts[sentence.source.size()];
  std::vector<LengthGroup> groups;
  for (const auto& [length, count] : counts) {
    if (groups.empty() || groups.back().count * 8 >= sentences.size())
      groups.push_back({length, length, 0});
    else
      groups.back().most = length;
    groups.back().count += count;
  }
  if (groups.size() > 1 && groups.back().count * 40 < sentences.size()) {
    const LengthGroup last = groups.back();
    groups.pop_back();
    groups.back().most = last.most;
    groups.back().count += last.count;
  }
  return groups;
}

std::vector<Bin> by_length(const Scored& scored, std::string_view name, const auto& score) {
  const std::vector<Scored::Sentence>& sentences = scored.sentences();
  std::vector<Bin> bins;
  for (const LengthGroup& group : length_groups(sentences)) {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < sentences.size(); ++i)
      if (sentences[i].source.size() >= group.least && sentences[i].source.size() <= group.most)
        members.push_back(i);
    std::vector<int> all(sentences.size());
    const auto of_members = [&](std::span<const int> times) {
      for (std::size_t k = 0; k < members.size(); ++k) all[members[k]] = times[k];
      return score(all);
    };
    const std::string label = group.least == group.most ? std::to_string(group.least)
                                                        : text_from(group.least, "–", group.most);
    bins.push_back({label, members.size(),
                    bootstrap(members.size(), of_members, Key(1).child(name).child(label))});
  }
  return bins;
}

}  // namespace

Scored::Scored(const Model& model, const std::vector<data::Pair>& pairs,
               const std::vector<data::Tokens>& translations) {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Sentence sentence = {pairs[i].source,
                         pairs[i].target,
                         translations[i],
                         model.tokenizers.source.detokenize(pairs[i].source),
                         model.tokenizers.target.detokenize(pairs[i].target),
                         model.tokenizers.target.detokenize(translations[i]),
                         {},
                         translations[i] == pairs[i].target};
    sentence.bleu = data::corpus_bleu({sentence.output_text}, {sentence.reference_text});
    sentences_.push_back(std::move(sentence));
  }
}

double Scored::bleu(std::span<const int> times) const {
  data::BleuScore sums;
  bool long_references = false;
  for (std::size_t i = 0; i < sentences_.size(); ++i) {
    const data::BleuScore& own = sentences_[i].bleu;
    const std::int64_t n = times[i];
    for (std::size_t order = 0; order < data::BleuScore::max_order; ++order) {
      sums.counts[order] += n * own.counts[order];
      sums.totals[order] += n * own.totals[order];
    }
    sums.sys_len += n * own.sys_len;
    sums.ref_len += n * own.ref_len;
    long_references = long_references || (n > 0 && own.ref_len >= 4);
  }
  return long_references ? bleu_from(sums) : undefined;
}

double Scored::exact(std::span<const int> times) const {
  std::int64_t right = 0, all = 0;
  for (std::size_t i = 0; i < sentences_.size(); ++i) {
    all += times[i];
    if (sentences_[i].exact) right += times[i];
  }
  return all == 0 ? undefined : 100 * static_cast<double>(right) / static_cast<double>(all);
}

std::vector<Bin> bleu_by_length(const Scored& scored) {
  return by_length(scored, "bleu", [&](std::span<const int> times) { return scored.bleu(times); });
}

std::vector<Bin> exact_by_length(const Scored& scored) {
  return by_length(scored, "exact",
                   [&](std::span<const int> times) { return scored.exact(times); });
}

// ---- Words --------------------------------------------------------------------------------------

std::vector<Bin> f1_by_frequency(const Scored& scored, const Frequency& frequency) {
  struct Group {
    const char* label;
    Index least;
  };
  constexpr Group groups[] = {{"unknown", 0}, {"1+", 1},     {"5+", 5},      {"10+", 10},
                              {"50+", 50},    {"200+", 200}, {"1000+", 1000}};
  const auto group_of = [&](const std::string& word) {
    const Index count = frequency(word);
    std::size_t group = std::size(groups) - 1;
    while (group > 0 && count < groups[group].least) --group;
    return group;
  };
  struct Counts {
    Index reference = 0, output = 0, matches = 0;
  };
  const std::vector<Scored::Sentence>& sentences = scored.sentences();
  std::vector<std::vector<Counts>> counts(std::size(groups), std::vector<Counts>(sentences.size()));
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    std::map<std::string, std::pair<Index, Index>> words;
    for (const std::string& word : sentences[i].reference) ++words[word].first;
    for (const std::string& word : sentences[i].output) ++words[word].second;
    for (const auto& [word, both] : words) {
      Counts& own = counts[group_of(word)][i];
      own.reference += both.first;
      own.output += both.second;
      own.matches += std::min(both.first, both.second);
    }
  }
  std::vector<Bin> bins;
  for (std::size_t group = 0; group < std::size(groups); ++group) {
    const auto f1 = [&](std::span<const int> times) {
      Counts sums;
      for (std::size_t i = 0; i < times.size(); ++i) {
        sums.reference += times[i] * counts[group][i].reference;
        sums.output += times[i] * counts[group][i].output;
        sums.matches += times[i] * counts[group][i].matches;
      }
      const Index all = sums.reference + sums.output;
      return all == 0 ? undefined
                      : 200 * static_cast<double>(sums.matches) / static_cast<double>(all);
    };
    Index words = 0;
    for (const Counts& each : counts[group]) words += each.reference;
    if (words > 0)
      bins.push_back({groups[group].label, static_cast<std::size_t>(words),
                      bootstrap(sentences.size(), f1, Key(1).child("f1").child(group))});
  }
  return bins;
}

std::vector<Confusion> confusions(const Scored& scored, std::size_t most) {
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  std::vector<Confusion> all;
  const std::vector<Scored::Sentence>& sentences = scored.sentences();
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const auto& [reference, output] = std::tie(sentences[i].reference, sentences[i].output);
    for (const Edit& edit : edits(reference, output)) {
      const std::string expected = edit.reference ? reference[*edit.reference] : "";
      const std::string got = edit.output ? output[*edit.output] : "";
      if (expected == got) continue;
      const auto [place, is_new] = places.try_emplace({expected, got}, all.size());
      if (is_new) all.push_back({expected, got, 0, i});
      ++all[place->second].count;
    }
  }
  std::ranges::stable_sort(all, std::greater(), &Confusion::count);
  if (all.size() > most) all.resize(most);
  return all;
}

}  // namespace adjoint::seq2seq
