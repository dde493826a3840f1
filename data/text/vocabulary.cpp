#include "data/text/vocabulary.h"

#include <algorithm>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

bool is_reserved(std::string_view token) {
  return std::ranges::find(Vocabulary::reserved, token) != Vocabulary::reserved.end();
}

/// The file has one token per line.
void require_storable(const std::string& token) {
  require(!token.empty(), "vocabulary: a token is empty");
  require(token.find_first_of("\r\n") == std::string::npos,
          "vocabulary: a token contains a line break");
  require(!invalid_utf8_at(token), "vocabulary: a token is not UTF-8");
}

/// The distinct tokens, most frequent first, each with its negative count.
std::vector<std::pair<std::int64_t, std::string>> by_frequency(
    const std::vector<Tokens>& sentences) {
  std::unordered_map<std::string, std::int64_t> counts;
  for (const Tokens& sentence : sentences)
    for (const std::string& token : sentence) ++counts[token];
  std::vector<std::pair<std::int64_t, std::string>> sorted;
  for (const auto& [token, count] : counts) sorted.emplace_back(-count, token);
  std::ranges::sort(sorted);
  return sorted;
}

}  // namespace

Vocabulary::Vocabulary() : tokens_(reserved.begin(), reserved.end()) {}

Vocabulary::Vocabulary(const std::vector<Tokens>& sentences, const VocabularyLimits& limits)
    : Vocabulary(Vocabulary().extended(sentences, limits)) {}

Vocabulary Vocabulary::extended(const std::vector<Tokens>& sentences,
                                const VocabularyLimits& limits) const {
  const auto reserved_size = static_cast<std::int64_t>(reserved.size());
  require(limits.min_frequency >= 1, "vocabulary: the minimum frequency must be at least 1, got ",
          limits.min_frequency);
  require(limits.max_size == 0 || limits.max_size > reserved_size,
          "vocabulary: the maximum size must exceed the ", reserved_size,
          " reserved symbols, or be 0 for no limit, got ", limits.max_size);
  Vocabulary result = *this;
  for (const auto& [negative_count, token] : by_frequency(sentences)) {
    require_storable(token);
    const bool room = limits.max_size == 0 || result.size() < limits.max_size;
    const bool wanted = -negative_count >= limits.min_frequency && !is_reserved(token);
    if (room && wanted && !result.contains(token)) result.add(token);
  }
  return result;
}

void Vocabulary::add(std::string token) {
  ids_.emplace(token, size());
  tokens_.push_back(std::move(token));
}

std::vector<std::optional<Vocabulary::Id>> Vocabulary::ids_in(const Vocabulary& other) const {
  std::vector<std::optional<Id>> ids(reserved.size());
  for (std::size_t i = 0; i < reserved.size(); ++i) ids[i] = static_cast<Id>(i);
  for (Id i = std::ssize(ids); i < size(); ++i) {
    const Id found = other.id(token(i));
    ids.push_back(found == unk ? std::nullopt : std::optional(found));
  }
  return ids;
}

Vocabulary::Id Vocabulary::id(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  return found == ids_.end() ? unk : found->second;
}

const std::string& Vocabulary::token(Id id) const {
  require(id >= 0 && id < size(), "vocabulary: token id ", id, " is out of range; there are ",
          size(), " tokens");
  return tokens_[static_cast<std::size_t>(id)];
}

std::vector<Vocabulary::Id> Vocabulary::encode(const Tokens& tokens) const {
  std::vector<Id> ids;
  ids.reserve(tokens.size());
  for (const std::string& token : tokens) ids.push_back(id(token));
  return ids;
}

Tokens Vocabulary::decode(const std::vector<Id>& ids) const {
  Tokens tokens;
  for (const Id id : ids) {
    if (id == eos) break;
    if (id != pad && id != bos) tokens.push_back(token(id));
  }
  return tokens;
}

void Vocabulary::save(const std::filesystem::path& path) const {
  std::string text;
  for (const std::string& token : tokens_) text.append(token).append("\n");
  write_file(path, text);
}

Vocabulary Vocabulary::load(const std::filesystem::path& path) {
  constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;
  const std::vector<std::string> lines = lines_of(read_regular_file(path, most_bytes));
  require(!lines.empty(), path.string(), ": the file is empty");
  const auto check = [&](bool condition, std::size_t line, const auto&... parts) {
    require(condition, path.string(), ":", line + 1, ": ", parts...);
  };

  for (std::size_t i = 0; i < reserved.size(); ++i) {
    check(i < lines.size(), i, "expected the reserved symbol ", reserved[i],
          ", found the end of the file");
    check(lines[i] == reserved[i], i, "expected the reserved symbol ", reserved[i]);
  }
  Vocabulary vocabulary;
  for (std::size_t i = reserved.size(); i < lines.size(); ++i) {
    check(!lines[i].empty(), i, "the line is empty");
    check(!invalid_utf8_at(lines[i]), i, "the token is not UTF-8");
    check(lines[i].find('\r') == std::string::npos, i, "the token contains a line break");
    check(!is_reserved(lines[i]), i, "the reserved symbol ", lines[i], " occurs twice");
    check(!vocabulary.contains(lines[i]), i, "the token ", printable_line(lines[i]),
          " occurs twice");
    vocabulary.add(lines[i]);
  }
  return vocabulary;
}

double unknown_rate(const std::vector<Tokens>& sentences, const Vocabulary& vocabulary) {
  std::int64_t tokens = 0, unknown = 0;
  for (const Tokens& sentence : sentences) {
    tokens += std::ssize(sentence);
    unknown += std::ranges::count_if(
        sentence, [&](const std::string& token) { return !vocabulary.contains(token); });
  }
  return tokens == 0 ? 0 : static_cast<double>(unknown) / static_cast<double>(tokens);
}

}  // namespace adjoint::data
