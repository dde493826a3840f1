#include "examples/experiments/squad/generator.h"

#include <algorithm>
#include <array>

#include "autograd/support/error.h"
#include "data/text/unicode.h"

namespace adjoint::squad {
namespace {

using Text = std::string_view;

constexpr std::array<Text, 20> stems = {"Varg", "Brand", "Moln", "Kell", "Lind", "Petr", "Quist",
                                        "Rom",  "Silv",  "Tan",  "Ued",  "Vog",  "Weiß", "Yilm",
                                        "Zorn", "Bau",   "Cost", "Dub",  "Haš",  "Jør"};
constexpr std::array<Text, 4> endings = {"a", "en", "ström", "ić"};
static_assert(stems.size() * endings.size() == most_sentences);
constexpr Index usual_surnames = 40;  // longer passages need more
constexpr std::array<Text, 20> first_names = {
    "Zoë",   "Ilse", "Amin", "Béla", "Greta", "Jürg",  "Nadia", "Otto", "Ruth",  "Søren",
    "Tomás", "Uma",  "Vera", "Wim",  "Yara",  "Anaïs", "Carl",  "Dina", "Émile", "Fritz"};
constexpr std::array<Text, 5> titles = {"Captain", "Doctor", "Bishop", "Queen", "Professor"};
constexpr std::array<Text, 24> towns = {"Porlú",   "Asker", "Vélka",  "Donar", "Mühl",  "Siran",
                                        "Toledra", "Besk",  "Ørn",    "Calla", "Łodra", "Ried",
                                        "Ponte",   "Iskar", "Varn",   "Eben",  "Grîn",  "Sundal",
                                        "Tamega",  "Krøl",  "Ustica", "Zadar", "Brenn", "Nágy"};
constexpr std::array<Text, 16> wares = {"salt",   "copper", "wool",   "amber", "honey", "timber",
                                        "wine",   "silk",   "tin",    "tea",   "paper", "cork",
                                        "coffee", "glass",  "pearls", "crème"};
// @ stands for a name, # for a town, * for wares and ~ for a year.
constexpr std::array<Text, 8> sentences = {"@ lived in #.",
                                           "The bridge of # was built by @.",
                                           "In ~ @ sold *.",
                                           "Nobody in # liked @.",
                                           "@ came to # in ~.",
                                           "The old mill belonged to @.",
                                           "They called @ “the father of *”.",
                                           "Since ~, @ had bought * in #."};
constexpr std::array<Text, 3> questions = {"What is the full name of @?", "Who was @?",
                                           "How was @ called in full?"};

// Numbers below a bound, one after the other, from a key.
class Draws {
 public:
  explicit Draws(Key key) : key_(key) {}
  std::size_t operator()(std::size_t below) {
    return static_cast<std::size_t>(random_bits(key_.value(), next_++, 0)) % below;
  }
  template <std::size_t n>
  Text of(const std::array<Text, n>& words) {
    return words[(*this)(n)];
  }

 private:
  Key key_;
  std::uint64_t next_ = 0;
};

std::string surname(Index number) {
  const auto n = static_cast<std::size_t>(number);
  return text_from(stems[n % stems.size()], endings[n / stems.size()]);
}

// "Vargić", "Zoë Vargić" or "Doctor Zoë Vargić".
std::string full_name(const std::string& key, Draws& draw) {
  const std::size_t words = 1 + draw(3);
  std::string name = key;
  if (words > 1) name = text_from(draw.of(first_names), ' ', name);
  if (words > 2) name = text_from(draw.of(titles), ' ', name);
  return name;
}

std::string filled(Text form, Text name, Draws& draw) {
  std::string result;
  for (const char letter : form) switch (letter) {
      case '@':
        result += name;
        break;
      case '#':
        result += draw.of(towns);
        break;
      case '*':
        result += draw.of(wares);
        break;
      case '~':
        result += std::to_string(1600 + draw(300));
        break;
      default:
        result += letter;
    }
  return result;
}

Passage passage(const GeneratorOptions& options, Key key, const std::string& id) {
  Draws draw(key);
  const auto range = static_cast<std::size_t>(options.max_sentences - options.min_sentences + 1);
  const Index count = options.min_sentences + static_cast<Index>(draw(range));
  const Index known = std::max(usual_surnames, options.max_sentences);
  const Tensor surnames = permutation(known, key.child("surnames"));
  Passage result;
  std::vector<Question> all;
  for (const Index number : surnames.values<Index>().first(static_cast<std::size_t>(count))) {
    const std::string last = surname(number), name = full_name(last, draw);
    const Text form = draw.of(sentences);
    const std::size_t at = form.find('@');
    if (!result.text.empty()) result.text += ' ';
    result.text += filled(form.substr(0, at), "", draw);
    const Index start = std::ssize(data::code_points(result.text));
    result.text += filled(form.substr(at), name, draw);
    all.push_back({"", filled(draw.of(questions), last, draw), {{name, start}}});
  }
  // Questions ask for any of the people, not for the first ones.
  const Tensor chosen = permutation(count, key.child("questions"));
  for (const Index i :
       chosen.values<Index>().first(static_cast<std::size_t>(std::min(count, options.questions)))) {
    result.questions.push_back(all[static_cast<std::size_t>(i)]);
    result.questions.back().id = text_from(id, '-', result.questions.size());
  }
  return result;
}

}  // namespace

Dataset generated(const GeneratorOptions& o, Key key) {
  require(o.passages >= 1 && o.questions >= 1, "there must be a passage and a question, not ",
          o.passages, " and ", o.questions);
  require(1 <= o.min_sentences && o.min_sentences <= o.max_sentences &&
              o.max_sentences <= most_sentences,
          "a passage has 1 to ", most_sentences, " sentences, not ", o.min_sentences, " to ",
          o.max_sentences);
  constexpr Index passages_of_an_article = 40;
  Dataset dataset;
  for (Index i = 0; i < o.passages; ++i) {
    if (i % passages_of_an_article == 0)
      dataset.push_back({text_from("People, part ", dataset.size() + 1), {}});
    const Key own = key.child(static_cast<std::uint64_t>(i));
    dataset.back().passages.push_back(passage(o, own, std::to_string(i)));
  }
  return dataset;
}

}  // namespace adjoint::squad
