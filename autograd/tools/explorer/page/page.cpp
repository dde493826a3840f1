#include "autograd/tools/explorer/page/page.h"

#include "autograd/support/page.h"

#define PAGE_TEXT(name, file) \
  ADJOINT_TEXT(adjoint_explorer_##name, "autograd/tools/explorer/page/" file)
PAGE_TEXT(html, "page.html");
PAGE_TEXT(css, "page.css");
PAGE_TEXT(data, "data.js");
PAGE_TEXT(words, "words.js");
PAGE_TEXT(elements, "elements.js");
PAGE_TEXT(state, "state.js");
PAGE_TEXT(arrangement, "arrangement.js");
PAGE_TEXT(graph, "graph.js");
PAGE_TEXT(view, "view.js");
PAGE_TEXT(tensors, "tensors.js");
PAGE_TEXT(origins, "origins.js");
PAGE_TEXT(rules, "rules.js");
PAGE_TEXT(attention, "attention.js");
PAGE_TEXT(attention_words, "attention_words.js");
PAGE_TEXT(steps, "steps.js");
PAGE_TEXT(what_if, "what_if.js");
PAGE_TEXT(numeric, "numeric.js");
PAGE_TEXT(search, "search.js");
PAGE_TEXT(print, "print.js");
PAGE_TEXT(change, "change.js");
PAGE_TEXT(live, "live.js");
PAGE_TEXT(controls, "controls.js");

namespace adjoint::exploring {
namespace {

// In this order: a script may use what stands before it while it loads.
std::string scripts() {
  std::string all = "\"use strict\";\n";
  for (const char* script :
       {adjoint_explorer_data,    adjoint_explorer_words,       adjoint_explorer_elements,
        adjoint_explorer_state,   adjoint_explorer_arrangement, adjoint_explorer_graph,
        adjoint_explorer_view,    adjoint_explorer_tensors,     adjoint_explorer_origins,
        adjoint_explorer_rules,   adjoint_explorer_attention,   adjoint_explorer_attention_words,
        adjoint_explorer_what_if, adjoint_explorer_numeric,     adjoint_explorer_steps,
        adjoint_explorer_search,  adjoint_explorer_print,       adjoint_explorer_change,
        adjoint_explorer_live,    adjoint_explorer_controls})
    all += script;
  return all;
}

}  // namespace

std::string page(std::string_view title, std::string_view data, bool packed, bool live) {
  return filled_page(adjoint_explorer_html, {{"connect", live ? "connect-src 'self'; " : ""},
                                             {"title", html_text(title)},
                                             {"style", adjoint_explorer_css},
                                             {"type", packed ? "text/plain" : "application/json"},
                                             {"data", json_in_html(data)},
                                             {"script", scripts()}});
}

}  // namespace adjoint::exploring
