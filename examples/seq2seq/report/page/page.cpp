#include "examples/seq2seq/report/page/page.h"

#include "autograd/support/page.h"

#define PAGE_TEXT(name, file) \
  ADJOINT_TEXT(adjoint_report_##name, "examples/seq2seq/report/page/" file)
PAGE_TEXT(html, "page.html");
PAGE_TEXT(css, "page.css");
PAGE_TEXT(elements, "elements.js");
PAGE_TEXT(numbers, "numbers.js");
PAGE_TEXT(top, "top.js");
PAGE_TEXT(charts, "charts.js");
PAGE_TEXT(curves, "curves.js");
PAGE_TEXT(reading, "reading.js");
PAGE_TEXT(epochs, "epochs.js");
PAGE_TEXT(samples, "samples.js");
PAGE_TEXT(attention, "attention.js");
PAGE_TEXT(scores, "scores.js");
PAGE_TEXT(confusions, "confusions.js");
PAGE_TEXT(settings, "settings.js");
PAGE_TEXT(start, "start.js");

namespace adjoint::seq2seq {
namespace {

// In this order: a script may use what stands before it while it loads.
std::string scripts() {
  std::string all = "\"use strict\";\n";
  for (const char* script :
       {adjoint_report_elements, adjoint_report_numbers, adjoint_report_top, adjoint_report_charts,
        adjoint_report_curves, adjoint_report_reading, adjoint_report_epochs,
        adjoint_report_samples, adjoint_report_attention, adjoint_report_scores,
        adjoint_report_confusions, adjoint_report_settings, adjoint_report_start})
    all += script;
  return all;
}

}  // namespace

std::string page_with(std::string_view data) {
  return filled_page(
      adjoint_report_html,
      {{"style", adjoint_report_css}, {"data", json_in_html(data)}, {"script", scripts()}});
}

}  // namespace adjoint::seq2seq
