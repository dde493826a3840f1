#include "autograd/tools/tape_json.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "autograd/support/json.h"
#include "autograd/tools/inspect.h"
#include "autograd/tools/tape_story.h"

namespace adjoint {
namespace {

using Story = TapeStory;
using adjoint::json;  // of texts and numbers, beside those of the types below

constexpr int schema = 1;  // changes when a field changes its name or its meaning

std::string json(const std::vector<Index>& numbers) {
  return json_list(numbers, [](Index number) { return json(number); });
}
std::string json(DType dtype) { return json(name_of(dtype)); }
const auto plain = [](const auto& value) { return json(value); };

std::string json(const Shape& shape) { return json_list(shape, plain); }

std::string json(const Attributes& attributes) {
  JsonFields fields;
  for (const auto& [name, value] : attributes) fields.emplace_back(name, std::visit(plain, value));
  return json_object(fields);
}

// `count` positions of `size`, the first and the last among them.
std::vector<Index> spread(Index size, Index count) {
  std::vector<Index> positions;
  for (Index i = 0; i < count; ++i)
    positions.push_back(count == 1 ? 0
                                   : i * ((size - 1) / (count - 1)) +
                                         i * ((size - 1) % (count - 1)) / (count - 1));
  return positions;
}

// Each tensor once, numbered as it is first mentioned. Handles that share a buffer are one.
class Table {
 public:
  explicit Table(Index most_elements) : most_elements_(std::max<Index>(1, most_elements)) {}

  std::string index_of(const Tensor& x) {
    if (!x.defined()) return "null";
    const Place place{x.storage().get(), x.dtype(), {x.shape().begin(), x.shape().end()}};
    const auto [entry, is_new] = indices_.emplace(place, indices_.size());
    if (is_new) tensors_.push_back(text_of(x));
    return std::to_string(entry->second);
  }
  std::string indices_of(const Tensors& xs) {
    return json_list(xs, [&](const Tensor& x) { return index_of(x); });
  }
  std::string text() const {
    return json_list(tensors_, [](const std::string& text) { return text; });
  }

 private:
  using Place = std::tuple<const Storage*, DType, std::vector<Index>>;

  static std::string element(const Tensor& x, Index position) {
    return dispatch(x.dtype(), [&]<class T>() {
      const T value = x.values<T>()[static_cast<std::size_t>(position)];
      if constexpr (Real<T>)
        return json(static_cast<double>(value));
      else
        return json(value);
    });
  }
  std::string text_of(const Tensor& x) const {
    const bool sampled = x.numel() > most_elements_;
    const std::vector<Index> positions = spread(x.numel(), sampled ? most_elements_ : x.numel());
    JsonFields fields = {
        {"shape", json(x.shape())},
        {"dtype", json(x.dtype())},
        {"values", json_list(positions, [&](Index position) { return element(x, position); })},
        {"sampled", json(sampled)}};
    if (sampled) {
      const Statistics s = statistics(x);
      fields.emplace_back("positions", json_list(positions, plain));
      fields.emplace_back("norm", json(s.norm));
      fields.emplace_back("least", json(s.least));
      fields.emplace_back("largest", json(s.largest));
      fields.emplace_back("mean", json(s.mean));
      fields.emplace_back("nan", json(s.nan));
      fields.emplace_back("infinite", json(s.infinite));
    }
    return json_object(fields);
  }

  Index most_elements_;
  std::map<Place, std::size_t> indices_;
  std::vector<std::string> tensors_;
};

// ---- The parts of a story -----------------------------------------------------------------------

class Writer {
 public:
  explicit Writer(Index most_elements) : tensors_(most_elements) {}

  std::string text(const Story& story) {
    const auto part = [&](const auto& each) { return of(each); };
    const auto event = [&](const Story::Event& each) { return std::visit(part, each); };
    JsonFields fields = {{"schema", json(schema)},
                         {"result", json_object({{"node", json(story.result_node)},
                                                 {"output", json(story.result_output)}})},
                         {"ones", json(story.ones)}};
    fields.emplace_back("nodes", json_list(story.nodes, part));
    fields.emplace_back("events", json_list(story.events, event));
    fields.emplace_back("tensors", tensors_.text());
    return json_object(fields);
  }

 private:
  std::string of(const Story::Input& x) {
    return json_object({{"node", json(x.node)},
                        {"output", x.node > 0 ? json(x.output) : "null"},
                        {"shape", json(x.form.shape)},
                        {"dtype", json(x.form.dtype)},
                        {"values", tensors_.index_of(x.values)},
                        {"repeated", json_list(x.repeated, plain)}});
  }
  std::string of(const Story::Output& y) {
    return json_object({{"shape", json(y.form.shape)},
                        {"dtype", json(y.form.dtype)},
                        {"values", tensors_.index_of(y.values)},
                        {"edited", json(y.edited)},
                        {"consumers", json(y.consumers)},
                        {"cotangent", tensors_.index_of(y.cotangent)}});
  }
  std::string of(const Story::Node& node) {
    const auto part = [&](const auto& each) { return of(each); };
    return json_object({{"number", json(node.number)},
                        {"operation", json(node.operation)},
                        {"label", json(node.label)},
                        {"scope", json(node.scope)},
                        {"leaf", json(node.is_leaf())},
                        {"rule", json_list(node.rule, plain)},
                        {"attributes", json(node.attributes)},
                        {"inputs", json_list(node.inputs, part)},
                        {"outputs", json_list(node.outputs, part)}});
  }
  std::string of(const Story::Seed& seed) {
    return json_object({{"event", json("seed")},
                        {"node", json(seed.node)},
                        {"output", json(seed.output)},
                        {"cotangent", tensors_.index_of(seed.cotangent)}});
  }
  std::string of(const Story::Vjp& vjp) {
    return json_object({{"event", json("vjp")},
                        {"node", json(vjp.node)},
                        {"cotangents", tensors_.indices_of(vjp.cotangents)},
                        {"gradients", tensors_.indices_of(vjp.gradients)}});
  }
  std::string of(const Story::Arrival& arrival) {
    return json_object({{"event", json("accumulate")},
                        {"node", json(arrival.node)},
                        {"output", json(arrival.output)},
                        {"from", json(arrival.from)},
                        {"input", json(arrival.input)},
                        {"before", tensors_.index_of(arrival.before)},
                        {"term", tensors_.index_of(arrival.term)},
                        {"after", tensors_.index_of(arrival.after)},
                        {"arrived", json(arrival.arrived)},
                        {"consumers", json(arrival.consumers)}});
  }
  std::string of(const Story::LeafGradient& leaf) {
    return json_object({{"event", json("leaf")},
                        {"node", json(leaf.node)},
                        {"gradient", tensors_.index_of(leaf.gradient)}});
  }

  Table tensors_;
};

}  // namespace

std::string tape_as_json(const TapeStory& story, const TapeJsonOptions& options) {
  return Writer(options.elements).text(story);
}

std::string tape_as_json(const Tensor& y, const TapeJsonOptions& options) {
  return tape_as_json(tape_story(y, options.cotangent), options);
}

}  // namespace adjoint
