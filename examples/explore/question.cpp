#include "examples/explore/question.h"

#include <nlohmann/json.hpp>

#include "autograd/support/error.h"
#include "autograd/support/printable.h"

namespace adjoint::explore {
namespace {

using Json = nlohmann::json;

// Lists that are longer than a page can use.
constexpr std::size_t most_inputs = 1000, most_changes = 1000;

std::string text_at(const Json& object, const char* name) {
  const auto found = object.find(name);
  require(found != object.end() && found->is_string(), "a question needs the text \"", name, "\"");
  return found->get<std::string>();
}

// The list of that name, empty if it is not given; every item goes through `read`.
template <class Read>
auto list_at(const Json& object, const char* name, std::size_t most, Read read) {
  std::vector<decltype(read(object))> items;
  const auto found = object.find(name);
  if (found == object.end()) return items;
  require(found->is_array() && found->size() <= most, '"', name, "\" is a list of at most ", most,
          " items");
  for (const Json& item : *found) items.push_back(read(item));
  return items;
}

std::string read_input(const Json& item) {
  require(item.is_string(), "an input is a text, such as \"x=2\"");
  return item.get<std::string>();
}

Change read_change(const Json& item) {
  require(item.is_object(), "a change is {\"leaf\": …, \"element\": …, \"value\": …}");
  Change change{.leaf = text_at(item, "leaf"), .element = 0, .value = 0};
  const auto element = item.find("element"), value = item.find("value");
  require(element != item.end() && element->is_number_unsigned() &&
              element->get<std::uint64_t>() < (1ull << 32),
          "a change needs the number of an \"element\", from 0");
  require(value != item.end() && value->is_number(), "a change needs a number as its \"value\"");
  change.element = element->get<Index>();
  change.value = value->get<double>();
  return change;
}

}  // namespace

Question read_question(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  require(!json.is_discarded(), "the question is not JSON");
  require(json.is_object(), "a question is {\"expression\": …, \"inputs\": […]}");
  Question question;
  if (json.contains("example")) {
    const std::string name = text_at(json, "example");
    question.example = find_example(name);
    require(question.example, "there is no example ", printable_line(name, 40));
    question.changes = list_at(json, "changes", most_changes, read_change);
  } else {
    question.expression = text_at(json, "expression");
    question.inputs = list_at(json, "inputs", most_inputs, read_input);
  }
  return question;
}

}  // namespace adjoint::explore
