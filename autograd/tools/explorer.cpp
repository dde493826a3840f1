#include "autograd/tools/explorer.h"

#include <algorithm>
#include <cmath>

#include "autograd/support/files.h"
#include "autograd/support/json.h"
#include "autograd/support/printable.h"
#include "autograd/tools/explain.h"
#include "autograd/tools/explorer/attention.h"
#include "autograd/tools/explorer/layout.h"
#include "autograd/tools/explorer/packed.h"
#include "autograd/tools/explorer/page/page.h"
#include "autograd/tools/story_words.h"
#include "autograd/tools/tape_json.h"

namespace adjoint {
namespace {

using namespace exploring;
using Story = TapeStory;

constexpr std::size_t most_bytes = 1'000'000;
constexpr std::size_t most_plain = 400'000;       // of data that is not packed: people can read it
constexpr std::size_t hopeless = 5'000'000;       // of data, which would not become small enough
constexpr std::size_t most_what_ifs = 1'000'000;  // of data about mistakes, which packs well
constexpr Index most_of_one = 4096;               // of a tensor, at first
constexpr Index attention_share = 2;              // attention's stages have so many times fewer
constexpr Index least_for_what_ifs = 64;          // below that there is no room for other sweeps
constexpr std::size_t most_nodes = 5000;          // dot takes long for more, and they do not fit

const auto written = [](const auto& value) { return json(value); };

std::string pixels(double x) { return json(static_cast<Index>(std::lround(x))); }

// ---- The parts of the data ----------------------------------------------------------------------

std::string json_of(const Item& item) {
  constexpr const char* letters[] = {"n", "g", "i", "o"};
  return json(letters[static_cast<int>(item.kind)] + std::to_string(item.number));
}

std::string json_of(const Group& group) {
  const auto item = [](const auto& entry) {
    const Box& box = entry.second;
    return '[' + json_of(entry.first) + ',' + pixels(box.x) + ',' + pixels(box.y) + ',' +
           pixels(box.width) + ',' + pixels(box.height) + ']';
  };
  const auto operand = [](const exploring::Operand& each) {
    return json(each.first) + ',' + json(each.second);
  };
  const auto edge = [&](const Edge& each) {
    return json_object({{"from", json_of(each.from)},
                        {"to", json_of(each.to)},
                        {"operands", json_list(each.operands, operand)},
                        {"points", json_list(each.points, pixels)}});
  };
  return json_object({{"name", json(group.name)},
                      {"parent", json(group.parent)},
                      {"width", pixels(group.width)},
                      {"height", pixels(group.height)},
                      {"items", json_list(group.items, item)},
                      {"edges", json_list(group.edges, edge)}});
}

// What explain() calls a node and its inputs, and its formulas.
std::string words_of(const Story& story, const Story::Node& node) {
  std::vector<std::string> names, letters, formulas;
  for (int i = 0; i < std::ssize(node.outputs); ++i)
    names.push_back(telling::full_name(story, node.number, i));
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    letters.push_back(telling::letter_of(node, i));
    formulas.push_back(telling::gradient_formula(node, i));
  }
  return json_object({{"call", json(telling::call_text(story, node))},
                      {"names", json_list(names, written)},
                      {"formula", json(telling::value_formula(node))},
                      {"letters", json_list(letters, written)},
                      {"gradients", json_list(formulas, written)}});
}

// ---- What if, and the numeric derivative --------------------------------------------------------

std::string json_of(const HeadLength& head) {
  return json_object({{"example", json(head.example)},
                      {"head", json(head.head)},
                      {"right", json(head.right)},
                      {"tiled", json(head.tiled)},
                      {"owner", json(head.owner)}});
}

// The tape with the mistake has the schema of tape_json.h. It has nodes only if their values are
// wrong, too.
std::string json_of(const WhatIf& what_if, const Story& right, Index elements) {
  JsonFields fields = {{"name", json(name_of(what_if.mistake))},
                       {"meaning", json(meaning_of(what_if.mistake))},
                       {"why_not", json(what_if.why_not)}};
  if (!what_if.why_not.empty()) return json_object(fields);
  Story wrong;
  wrong.nodes = what_if.nodes;
  wrong.events = what_if.events;
  wrong.result_node = right.result_node;
  wrong.result_output = right.result_output;
  fields.emplace_back("tape", tape_as_json(wrong, {.elements = elements}));
  fields.emplace_back("steps", json_list(what_if.steps, written));
  fields.emplace_back("replaces", json(what_if.mistake == Mistake::assignment));
  fields.emplace_back("findings", json_list(what_if.findings, written));
  fields.emplace_back("report", json(what_if.report));
  fields.emplace_back(
      "heads", json_list(what_if.heads, [](const HeadLength& head) { return json_of(head); }));
  fields.emplace_back("keys", json(what_if.keys));
  return json_object(fields);
}

std::string json_of(const NumericElement& element) {
  return json_object({{"i", json(element.element)},
                      {"gradient", json(element.gradient)},
                      {"numeric", json(element.numeric)},
                      {"bound", json(element.bound)},
                      {"accepted", json(element.accepted)},
                      {"note", json(element.note)},
                      {"quotients", json_list(element.quotients, written)}});
}

std::string json_of(const NumericDerivatives& numeric) {
  const auto element = [](const NumericElement& each) { return json_of(each); };
  const auto leaf = [&](const NumericDerivatives::Leaf& each) {
    return json_object(
        {{"label", json(each.label)}, {"elements", json_list(each.elements, element)}});
  };
  return json_object({{"leaves", json_list(numeric.leaves, leaf)},
                      {"steps", json_list(numeric.steps, written)},
                      {"note", json(numeric.note)}});
}

// Long tapes leave no room for other sweeps.
std::string json_of(const std::vector<WhatIf>& what_ifs, const Story& right, Index elements) {
  const std::string text =
      json_list(what_ifs, [&](const WhatIf& each) { return json_of(each, right, elements); });
  return text.size() <= most_what_ifs ? text : "[]";
}

std::string title_of(const Story& story, const ExplorerOptions& options) {
  if (!options.title.empty()) return printable_line(options.title, 200);
  const auto operations =
      std::ranges::count_if(story.nodes, [](const Story::Node& node) { return !node.is_leaf(); });
  return "A tape of " + telling::counted(operations, "operation");
}

[[noreturn]] void refuse(const Story& story) {
  fail("explorer: a tape of ", telling::counted(std::ssize(story.nodes), "node"),
       " does not fit into a page of 1 MB; show a part of the computation");
}

// ---- The page -----------------------------------------------------------------------------------

// text_of(title, data), with as many elements of large tensors as fit.
template <class TextOf>
std::string fitted(const TapeStory& story, const ExplorerOptions& options, std::size_t most,
                   TextOf text_of) {
  if (story.nodes.size() > most_nodes) refuse(story);
  const std::string title = title_of(story, options);
  const auto words = [&](const Story::Node& node) { return words_of(story, node); };
  JsonFields fields = {
      {"title", json(title)},
      {"groups", json_list(layout(story), [](const Group& group) { return json_of(group); })},
      {"words", json_list(story.nodes, words)},
      {"steps", json_list(explain_steps(story, {.elements = 6}), written)}};
  if (!options.numeric.leaves.empty() || !options.numeric.note.empty())
    fields.emplace_back("numeric", json_of(options.numeric));
  const std::vector<Attention> attention = attentions(story);
  fields.emplace_back("attention", "");
  fields.emplace_back("tape", "");
  fields.emplace_back("what_ifs", "");
  for (Index elements = most_of_one; elements > 0; elements /= 2) {
    fields[fields.size() - 3].second = attentions_as_json(attention, elements / attention_share);
    fields[fields.size() - 2].second = tape_as_json(story, {.elements = elements});
    fields.back().second =
        elements < least_for_what_ifs ? "[]" : json_of(options.what_ifs, story, elements);
    const std::string data = json_object(fields);
    if (data.size() > hopeless) continue;
    std::string text = text_of(title, data);
    if (text.size() <= most) return text;
  }
  refuse(story);
}

}  // namespace

std::string explorer_page(const TapeStory& story, const ExplorerOptions& options) {
  return fitted(story, options, most_bytes, [](const std::string& title, const std::string& data) {
    const bool pack = data.size() > most_plain;
    return page(title, pack ? packed(data) : data, pack);
  });
}

std::string explorer_data(const TapeStory& story, const ExplorerOptions& options) {
  return fitted(story, options, hopeless,
                [](const std::string&, const std::string& data) { return data; });
}

std::string explorer_live_page(std::string_view title, std::string_view data) {
  return page(title, data, false, true);
}

void write_explorer(const Tensor& y, const std::filesystem::path& path,
                    const ExplorerOptions& options) {
  const TapeStory story = tape_story(y, options.cotangent);
  ExplorerOptions all = options;
  if (all.what_ifs.empty()) all.what_ifs = what_ifs(y, story);
  write_file(path, explorer_page(story, all));
}

}  // namespace adjoint
