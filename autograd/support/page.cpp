#include "autograd/support/page.h"

#include "autograd/support/error.h"

namespace adjoint {
namespace {

std::string replaced(std::string_view text, char c, std::string_view with) {
  std::string result;
  for (const char each : text) each == c ? result += with : result += each;
  return result;
}

}  // namespace

std::string filled_page(
    std::string_view frame,
    std::initializer_list<std::pair<std::string_view, std::string_view>> texts) {
  std::string page;
  for (const auto& [name, text] : texts) {
    const std::string mark = "{{" + std::string(name) + "}}";
    const std::size_t at = frame.find(mark);
    require(at != frame.npos, "page: page.html has no ", mark);
    page.append(frame.substr(0, at)).append(text);
    frame.remove_prefix(at + mark.size());
  }
  return page.append(frame);
}

std::string html_text(std::string_view text) {
  return replaced(replaced(text, '&', "&amp;"), '<', "&lt;");
}

std::string json_in_html(std::string_view json) { return replaced(json, '<', "\\u003c"); }

}  // namespace adjoint
