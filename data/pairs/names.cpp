#include "data/pairs/names.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <span>
#include <sstream>

namespace adjoint::data {
namespace {

// Both sides, with a place for each word that is drawn: x, y and z are names, the other letters
// words of the lists below.
struct Form {
  const char *source, *target;
};
constexpr std::array forms = {
    Form{"x V y", "x V y"},
    Form{"x is P by y", "y P x"},
    Form{"x V y in the L", "x V y dans le L"},
    Form{"x gives y a A N", "x donne à y un N A"},
    Form{"the A N of x is in the L", "le N A de x est dans le L"},
    Form{"x asks y for the A N of z", "x demande à y le N A de z"},
};

using Word = std::pair<const char*, const char*>;
constexpr std::array verbs = {Word{"sees", "voit"},       Word{"hears", "entend"},
                              Word{"knows", "connaît"},   Word{"likes", "aime"},
                              Word{"helps", "aide"},      Word{"calls", "appelle"},
                              Word{"follows", "suit"},    Word{"finds", "trouve"},
                              Word{"thanks", "remercie"}, Word{"teaches", "instruit"}};
constexpr std::array participles = {Word{"seen", "voit"},        Word{"heard", "entend"},
                                    Word{"known", "connaît"},    Word{"liked", "aime"},
                                    Word{"helped", "aide"},      Word{"called", "appelle"},
                                    Word{"followed", "suit"},    Word{"found", "trouve"},
                                    Word{"thanked", "remercie"}, Word{"taught", "instruit"}};
constexpr std::array nouns = {Word{"book", "livre"},    Word{"hat", "chapeau"},
                              Word{"knife", "couteau"}, Word{"coat", "manteau"},
                              Word{"boat", "bateau"},   Word{"ticket", "billet"},
                              Word{"cat", "chat"},      Word{"dog", "chien"}};
constexpr std::array adjectives = {
    Word{"red", "rouge"},  Word{"green", "vert"},  Word{"blue", "bleu"}, Word{"white", "blanc"},
    Word{"black", "noir"}, Word{"heavy", "lourd"}, Word{"new", "neuf"},  Word{"round", "rond"}};
constexpr std::array places = {Word{"park", "parc"},       Word{"garden", "jardin"},
                               Word{"village", "village"}, Word{"harbour", "port"},
                               Word{"market", "marché"},   Word{"castle", "château"},
                               Word{"museum", "musée"},    Word{"theatre", "théâtre"}};

std::span<const Word> list_of(char place) {
  switch (place) {
    case 'V':
      return verbs;
    case 'P':
      return participles;
    case 'N':
      return nouns;
    case 'A':
      return adjectives;
    case 'L':
      return places;
    default:
      return {};
  }
}

bool is_name(const std::string& token) { return token == "x" || token == "y" || token == "z"; }

bool is_drawn(const std::string& token) {
  return token.size() == 1 && (is_name(token) || !list_of(token.front()).empty());
}

Tokens tokens_of(const char* text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

// What cannot be a name: the words of both languages, and x, y and z; each once.
const Tokens& all_words() {
  static const Tokens words = [] {
    Tokens result;
    for (const char list : {'V', 'P', 'N', 'A', 'L'})
      for (const auto& [source, target] : list_of(list)) {
        result.emplace_back(source);
        result.emplace_back(target);
      }
    for (const Form& form : forms)
      for (const char* side : {form.source, form.target})
        for (std::string& token : tokens_of(side))
          if (!is_drawn(token) || is_name(token)) result.push_back(std::move(token));
    std::ranges::sort(result);
    result.erase(std::ranges::unique(result).begin(), result.end());
    return result;
  }();
  return words;
}

std::int64_t draw_below(std::int64_t end, Key key) {
  return random_integers({}, 0, end, key).values<Index>()[0];
}

// Letters that are no word.
std::string draw_name(const TaskOptions& o, Key key) {
  for (std::uint64_t draw = 0;; ++draw) {
    const Key here = key.child(draw);
    const Index length =
        o.min_length + draw_below(o.max_length - o.min_length + 1, here.child("length"));
    std::string name;
    const Tensor letters = random_integers({length}, 0, o.symbols, here.child("letters"));
    for (const Index letter : letters.values<Index>()) name += static_cast<char>('a' + letter);
    if (!std::ranges::binary_search(all_words(), name)) return name;
  }
}

double count_of_names(const TaskOptions& o) {
  double count = 0;
  for (std::int64_t length = o.min_length; length <= o.max_length; ++length)
    count += std::pow(static_cast<double>(o.symbols), static_cast<double>(length));
  const auto could_be_drawn = [&](const std::string& word) {
    const auto is_letter = [&](char c) { return c >= 'a' && c - 'a' < o.symbols; };
    return std::ssize(word) >= o.min_length && std::ssize(word) <= o.max_length &&
           std::ranges::all_of(word, is_letter);
  };
  return count - static_cast<double>(std::ranges::count_if(all_words(), could_be_drawn));
}

}  // namespace

Pair draw_names(const TaskOptions& options, Key key) {
  const Form& form =
      forms[static_cast<std::size_t>(draw_below(std::ssize(forms), key.child("form")))];
  Pair pair = {tokens_of(form.source), tokens_of(form.target)};
  for (std::string& token : pair.source) {
    if (!is_drawn(token)) continue;
    const std::string place = token;
    std::string translated;
    if (is_name(place)) {
      translated = token = draw_name(options, key.child(place));
    } else {
      const std::span<const Word> list = list_of(place.front());
      const auto& [source, target] =
          list[static_cast<std::size_t>(draw_below(std::ssize(list), key.child(place)))];
      token = source;
      translated = target;
    }
    std::ranges::replace(pair.target, place, translated);
  }
  return pair;
}

double count_names(const TaskOptions& options) {
  const double names = count_of_names(options);
  double all = 0;
  for (const Form& form : forms) {
    double count = names > 0 ? 1 : 0;
    for (const std::string& token : tokens_of(form.source))
      if (is_drawn(token))
        count *= is_name(token) ? names : static_cast<double>(list_of(token.front()).size());
    all += count;
  }
  return all;
}

}  // namespace adjoint::data
