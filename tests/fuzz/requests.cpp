// The server of explore without its sockets: every request gets an answer that is fit to be sent.
//
// The input is a request as it is written on the wire, so that a seed can be read: the line with
// method and path, headers, an empty line, the body.

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "data/text/unicode.h"
#include "examples/explore/service.h"
#include "tests/fuzz/harness.h"

namespace adjoint::fuzz {
namespace {

using explore::Answer, explore::Request;

constexpr int port = 8000;

// The text up to the mark, which is removed with it.
std::string_view taken(std::string_view& rest, std::string_view mark) {
  const std::size_t end = std::min(rest.find(mark), rest.size());
  const std::string_view first = rest.substr(0, end);
  rest.remove_prefix(std::min(end + mark.size(), rest.size()));
  return first;
}

Request request_of(std::string_view text) {
  std::string_view body = text;
  std::string_view head = taken(body, "\n\n");
  std::string_view line = taken(head, "\n");
  Request request{.method = std::string(taken(line, " ")), .path = std::string(line)};
  while (!head.empty()) {
    std::string_view value = taken(head, "\n");
    const std::string_view name = taken(value, ": ");
    request.headers.emplace_back(name, value);
  }
  request.body = body;
  return request;
}

void check_refusal(const Answer& answer) {
  static constexpr std::array statuses = {400, 403, 404, 405, 413, 415, 421};
  promise(std::ranges::count(statuses, answer.status) == 1, "a refusal has a status of its kind");
  promise(answer.body.ends_with('\n') && std::ranges::count(answer.body, '\n') == 1,
          "a refusal is one line");
  check_message(Error(answer.body.substr(0, answer.body.size() - 1)));
}

void check_answer(const Request& request, const Answer& answer) {
  if (answer.status == 204) return;
  if (answer.status != 200) return check_refusal(answer);
  promise(!data::invalid_utf8_at(answer.body), "an answer is UTF-8");
  if (answer.type != "application/json") {
    promise(answer.body.starts_with("<!DOCTYPE html>"), "the other answers are pages");
    promise(
        (answer.body.find("connect-src 'self'") != std::string::npos) == (request.method != "POST"),
        "the page alone may ask, and its file may not");
    return;
  }
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  promise(json.is_object(), "an answer is an object of JSON");
  promise(json.contains("tape") != json.contains("problem"), "it has a tape, or a problem");
  if (!json.contains("problem")) return;
  check_message(Error(json["problem"]["message"].get<std::string>()));
}

}  // namespace

void requests(Bytes input) {
  static explore::Service service(port);
  const Request request = request_of(text_of(input));
  check_answer(request, service.answer(request));
}

}  // namespace adjoint::fuzz
