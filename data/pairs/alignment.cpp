#include "data/pairs/alignment.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "autograd/support/error.h"
#include "autograd/support/printable.h"
#include "data/text/unicode.h"

namespace adjoint::data {
namespace {

constexpr Index no_word = -1;  // of a token that belongs to none
constexpr std::string_view blanks = " \t";

// "3-5"; nothing if it is not a link.
std::optional<std::pair<Index, Index>> link_of(std::string_view text) {
  const char* const end = text.data() + text.size();
  std::pair<Index, Index> link;
  const auto [dash, error] = std::from_chars(text.data(), end, link.first);
  if (error != std::errc() || dash == end || *dash != '-' || link.first < 0) return std::nullopt;
  const auto [stop, second_error] = std::from_chars(dash + 1, end, link.second);
  if (second_error != std::errc() || stop != end || link.second < 0) return std::nullopt;
  return link;
}

Links parse(std::string_view line) {
  Links links;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    if (line.empty()) break;
    const std::string_view entry = line.substr(0, line.find_first_of(blanks));
    const auto link = link_of(entry);
    require(link.has_value(), "'", printable_line(entry),
            "' is not a link; expected source-target, as in 0-0 1-2, counted from 0");
    links.push_back(*link);
    line.remove_prefix(entry.size());
  }
  std::ranges::sort(links);
  links.erase(std::ranges::unique(links).begin(), links.end());
  return links;
}

// The text of a piece, without white space and what stands for a space.
std::string without_spaces(std::string_view piece) {
  constexpr char32_t space_of_subwords = U'\u2581', visible_space = U'\u2423';
  std::u32string text = code_points(piece);
  std::erase_if(text, [](char32_t c) {
    return is_white_space(c) || c == space_of_subwords || c == visible_space;
  });
  return utf8(text);
}

std::string joined(const Tokens& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += without_spaces(piece);
  return text;
}

// The words of the text, each as its tokens join it; and the word of each token, or no_word.
struct Words {
  Index count;
  std::vector<Index> of_tokens;
};

Words words_of(const TokenizedText& side) {
  Tokens words;
  for (const std::string& word : Tokenizer{.kind = Tokenizer::Kind::blanks}.tokenize(side.text))
    words.push_back(joined(side.tokenizer.tokenize(word)));
  std::vector<Index> of_tokens = pieces_around(words, side.tokens);
  if (side.tokenizer.kind != Tokenizer::Kind::sentencepiece)
    for (std::size_t i = 0; i < side.tokens.size(); ++i)
      if (without_spaces(side.tokens[i]).empty()) of_tokens[i] = no_word;
  return {std::ssize(words), std::move(of_tokens)};
}

}  // namespace

std::vector<Links> read_alignments(const TextLines& text) {
  std::vector<Links> alignments;
  for (const std::string& line : text.lines) {
    try {
      alignments.push_back(parse(line));
    } catch (const Error& error) {
      fail(text.name, ':', alignments.size() + 1, ": ", error.what());
    }
  }
  return alignments;
}

Links links_of_tokens(const Links& words, const TokenizedText& source,
                      const TokenizedText& target) {
  if (words.empty()) return {};
  const Words of_source = words_of(source), of_target = words_of(target);
  for (const auto& [from, to] : words) {
    const auto check = [&](Index word, Index count, const char* side) {
      require(word < count, "link ", from, '-', to, ": the ", side, " has ", count,
              count == 1 ? " word" : " words", ", counted from 0");
    };
    check(from, of_source.count, "source");
    check(to, of_target.count, "target");
  }
  return links_of_other_cut(words, of_source.of_tokens, of_target.of_tokens);
}

std::vector<Index> pieces_around(const Tokens& coarse, const Tokens& fine) {
  require(joined(coarse) == joined(fine), "the words of '", printable_line(joined(coarse)),
          "' cannot be found in its tokens; leave the alignment of this line empty");
  std::vector<Index> result;
  std::size_t at = 0, end = 0;  // where the fine piece begins, where the coarse one ends
  Index number = -1;            // of the coarse piece
  for (const std::string& piece : fine) {
    while (at >= end && number + 1 < std::ssize(coarse))
      end += without_spaces(coarse[static_cast<std::size_t>(++number)]).size();
    result.push_back(number);
    at += without_spaces(piece).size();
  }
  return result;
}

Links links_of_other_cut(const Links& links, const std::vector<Index>& source,
                         const std::vector<Index>& target) {
  const auto pieces_in = [](const std::vector<Index>& around) {
    std::map<Index, std::vector<Index>> pieces;
    for (Index i = 0; i < std::ssize(around); ++i)
      pieces[around[static_cast<std::size_t>(i)]].push_back(i);
    return pieces;
  };
  auto of_source = pieces_in(source), of_target = pieces_in(target);
  Links result;
  for (const auto& [from, to] : links)
    for (const Index i : of_source[from])
      for (const Index j : of_target[to]) result.emplace_back(i, j);
  return result;
}

}  // namespace adjoint::data
