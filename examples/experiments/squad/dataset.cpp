#include "examples/experiments/squad/dataset.h"

#include <functional>
#include <unordered_map>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "data/text/unicode.h"
#include "examples/experiments/squad/json_text.h"

namespace adjoint::squad {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t most_bytes = 1'000'000'000;

std::string in_quotes(std::string_view text) { return '"' + printable_line(text, 60) + '"'; }

// A value, and the way to it.
class Node {
 public:
  Node(const Json& json, std::string way) : json_(json), way_(std::move(way)) {}

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(way_.empty() ? "the file" : way_, ' ', parts...);
  }
  template <class... Parts>
  void require_here(bool condition, const Parts&... parts) const {
    if (!condition) refuse(parts...);
  }

  Node operator[](const char* field) const {
    require_here(json_.is_object(), "is ", kind(), ", not an object {…}");
    const auto found = json_.find(field);
    require_here(found != json_.end(), "has no field \"", field, '"');
    return {*found, way_.empty() ? field : way_ + '.' + field};
  }
  bool has(const char* field) const { return json_.is_object() && json_.contains(field); }
  const std::string& string() const {
    require_here(json_.is_string(), "is ", kind(), ", not a string");
    return json_.get_ref<const std::string&>();
  }
  Index count() const {
    require_here(json_.is_number_integer(), "is ", kind(), ", not a whole number");
    require_here(json_.is_number_unsigned(), "is negative");
    const auto number = json_.get<std::uint64_t>();
    return number > most_bytes ? static_cast<Index>(most_bytes) : static_cast<Index>(number);
  }
  /// f(node) of each element.
  template <class F>
  auto list(const F& f) const {
    require_here(json_.is_array(), "is ", kind(), ", not a list […]");
    std::vector<decltype(f(*this))> result;
    for (std::size_t i = 0; i < json_.size(); ++i)
      result.push_back(f(Node(json_[i], text_from(way_, '[', i, ']'))));
    return result;
  }
  bool is_true() const { return json_.is_boolean() && json_.get<bool>(); }
  std::string raw() const { return printable_line(json_.dump(), 60); }
  const std::string& way() const { return way_; }

 private:
  std::string kind() const {
    if (json_.is_null()) return "null";
    if (json_.is_number_float()) return printable_line(json_.dump(), 40);
    return text_from(json_.is_object() || json_.is_array() ? "an " : "a ", json_.type_name());
  }

  const Json& json_;
  std::string way_;
};

// ---- Where an answer stands ---------------------------------------------------------------------

std::size_t utf8_units(char32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }
std::size_t utf16_units(char32_t c) { return c < 0x10000 ? 1 : 2; }

// The number of the character that begins at this offset in other units; npos if none does.
std::size_t character_at(std::u32string_view text, std::size_t offset,
                         std::size_t units(char32_t)) {
  std::size_t i = 0, sum = 0;
  for (; i < text.size() && sum < offset; ++i) sum += units(text[i]);
  return sum == offset ? i : text.npos;
}

bool stands_at(std::u32string_view passage, std::u32string_view text, std::size_t start) {
  return start <= passage.size() && passage.substr(start).starts_with(text);
}

// An answer that is not where it says: the reason, and what would be right.
[[noreturn]] void refuse_start(const Node& answer, std::u32string_view passage,
                               std::u32string_view text) {
  const Node start = answer["answer_start"];
  const std::string shown = in_quotes(data::utf8(text));
  const auto offset = static_cast<std::size_t>(start.count());
  const auto refuse_units = [&](const char* units, std::size_t length(char32_t)) {
    const std::size_t at = character_at(passage, offset, length);
    if (stands_at(passage, text, at))
      start.refuse("is ", start.raw(), ", which counts ", units, "; in Unicode code points ", shown,
                   " begins at ", at);
  };
  refuse_units("bytes of UTF-8", utf8_units);
  refuse_units("units of UTF-16", utf16_units);

  std::size_t nearest = passage.find(text);
  answer.require_here(nearest != passage.npos, "is ", shown, ", which is not in its passage");
  const auto distance = [&](std::size_t at) { return at > offset ? at - offset : offset - at; };
  for (std::size_t at = nearest; at != passage.npos; at = passage.find(text, at + 1))
    if (distance(at) < distance(nearest)) nearest = at;
  if (offset >= passage.size())
    start.refuse("is ", start.raw(), ", but the passage has ", passage.size(), " characters; ",
                 shown, " begins at ", nearest);
  start.refuse("is ", start.raw(), ", where the passage reads ",
               in_quotes(data::utf8(passage.substr(offset, text.size()))), "; ", shown,
               " begins at ", nearest);
}

// ---- The form -----------------------------------------------------------------------------------

class Reader {
 public:
  Dataset dataset(const Node& file) {
    const Node data = file["data"];
    Dataset articles = data.list([&](const Node& node) { return article(node); });
    data.require_here(!articles.empty(), "is an empty list");
    data.require_here(!ways_.empty(), "has no question");
    return articles;
  }

 private:
  Article article(const Node& node) {
    return {node["title"].string(),
            node["paragraphs"].list([&](const Node& inner) { return passage(inner); })};
  }
  Passage passage(const Node& node) {
    const std::string& text = node["context"].string();
    const std::u32string characters = data::code_points(text);
    return {text, node["qas"].list([&](const Node& inner) { return question(inner, characters); })};
  }
  Question question(const Node& node, std::u32string_view passage) {
    const Node id = node["id"];
    id.require_here(!id.string().empty(), "is empty");
    const auto [first, is_new] = ways_.emplace(id.string(), node.way());
    id.require_here(is_new, "is ", in_quotes(id.string()), ", as that of ", first->second);
    Question question{id.string(), node["question"].string(), {}};
    const bool is_impossible = node.has("is_impossible") && node["is_impossible"].is_true();
    if (!is_impossible)
      question.answers =
          node["answers"].list([&](const Node& inner) { return answer(inner, passage); });
    node.require_here(!question.answers.empty(),
                      "has no answer: SQuAD v1.1 is expected, where each question has one; "
                      "questions without an answer are SQuAD v2.0's");
    return question;
  }
  Answer answer(const Node& node, std::u32string_view passage) {
    const std::string& text = node["text"].string();
    node["text"].require_here(!text.empty(), "is empty");
    const Index start = node["answer_start"].count();
    const std::u32string characters = data::code_points(text);
    if (!stands_at(passage, characters, static_cast<std::size_t>(start)))
      refuse_start(node, passage, characters);
    return {text, start};
  }

  std::unordered_map<std::string, std::string> ways_;  // of the questions, by id
};

}  // namespace

Dataset dataset_from(std::string_view json, const std::filesystem::path& path) {
  const Json parsed = parse_json(json, path);
  try {
    return Reader().dataset({parsed, ""});
  } catch (const Error& error) {
    fail(printable_line(path.string(), 0), ": ", error.what());
  }
}

Dataset read_dataset(const std::filesystem::path& path) {
  return dataset_from(read_regular_file(path, most_bytes), path);
}

std::string to_json(const Dataset& dataset) {
  using Ordered = nlohmann::ordered_json;
  const auto list = [](const auto& items, const auto& form) {
    Ordered result = Ordered::array();
    for (const auto& item : items) result.push_back(form(item));
    return result;
  };
  const auto answer = [](const Answer& a) -> Ordered {
    return {{"answer_start", a.start}, {"text", a.text}};
  };
  const auto question = [&](const Question& q) -> Ordered {
    return {{"answers", list(q.answers, answer)}, {"question", q.text}, {"id", q.id}};
  };
  const auto passage = [&](const Passage& p) -> Ordered {
    return {{"context", p.text}, {"qas", list(p.questions, question)}};
  };
  const auto article = [&](const Article& a) -> Ordered {
    return {{"title", a.title}, {"paragraphs", list(a.passages, passage)}};
  };
  const Ordered file = {{"data", list(dataset, article)}, {"version", "1.1"}};
  return file.dump(-1, ' ', true) + '\n';
}

}  // namespace adjoint::squad
