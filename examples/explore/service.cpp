#include "examples/explore/service.h"

#include <algorithm>
#include <new>

#include "autograd/support/json.h"
#include "autograd/support/printable.h"
#include "autograd/tools/explorer.h"
#include "examples/explore/examples.h"
#include "examples/explore/question.h"
#include "examples/explore/tape.h"

namespace adjoint::explore {
namespace {

Answer refusal(int status, const std::string& line) {
  return {.status = status, .body = printable_line(line, 500) + '\n'};
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

// The values of a header, whose name is given in small letters.
std::vector<std::string> values(const Request& request, std::string_view name) {
  std::vector<std::string> found;
  for (const auto& [each, value] : request.headers)
    if (lower(each) == name) found.push_back(value);
  return found;
}

// "application/json; charset=utf-8" too.
bool is_json(const std::string& type) {
  std::string kind = lower(type.substr(0, type.find(';')));
  kind.erase(kind.find_last_not_of(" \t") + 1);
  return kind == "application/json";
}

// Browsers say which page a request comes from; other programs say nothing.
bool comes_from_our_page(const Request& request) {
  const std::string own = "http://" + values(request, "host").at(0);
  const auto is_ours = [&](const std::string& origin) { return lower(origin) == lower(own); };
  const auto is_same = [](const std::string& site) { return site == "same-origin"; };
  return std::ranges::all_of(values(request, "origin"), is_ours) &&
         std::ranges::all_of(values(request, "sec-fetch-site"), is_same);
}

std::string json_of(const Trouble& trouble) {
  const auto text = [](const std::string& each) { return json(each); };
  JsonFields fields = {{"message", json(trouble.what())}};
  if (trouble.input) fields.emplace_back("input", json(*trouble.input));
  if (trouble.column) fields.emplace_back("column", json(*trouble.column));
  if (!trouble.missing.empty()) fields.emplace_back("missing", json_list(trouble.missing, text));
  return json_object({{"problem", json_object(fields)}});
}

std::string json_of(const Example& example) {
  const auto text = [](const std::string& each) { return json(each); };
  return json_object({{"name", json(example.name)},
                      {"title", json(example.title)},
                      {"look_for", json(example.look_for)},
                      {"expression", json(example.expression)},
                      {"inputs", json_list(example.inputs, text)}});
}

std::string live_page() {
  const auto item = [](const Example& example) { return json_of(example); };
  return explorer_live_page("Explorer", json_object({{"examples", json_list(examples(), item)}}));
}

}  // namespace

Service::Service(int port) : page_(live_page()) {
  for (const std::string name : {"127.0.0.1", "localhost", "[::1]"}) {
    hosts_.push_back(name + ':' + std::to_string(port));
    if (port == 80) hosts_.push_back(name);  // browsers leave it out
  }
}

Answer Service::answer(const Request& request) {
  const auto hosts = values(request, "host");
  if (hosts.size() != 1 || std::ranges::find(hosts_, lower(hosts[0])) == hosts_.end())
    return refusal(421, "this server answers to " + hosts_[0] + " only");
  if (!values(request, "range").empty()) return refusal(400, "parts of an answer are not sent");
  if (request.body.size() > most_bytes)
    return refusal(413, "a question may have 1 MB, and this one is larger");

  const bool is_get = request.method == "GET" || request.method == "HEAD";
  const std::string path = request.path.substr(0, request.path.find('?'));
  const auto wrong_method = [&](const char* allowed) {
    Answer answer = refusal(405, path + " takes " + allowed);
    answer.headers = {{"Allow", allowed}};
    return answer;
  };
  if (path == "/") {
    if (!is_get) return wrong_method("GET, HEAD");
    return {.type = "text/html; charset=utf-8", .body = page_};
  }
  if (path == "/favicon.ico") return is_get ? Answer{.status = 204} : wrong_method("GET, HEAD");
  if (path != "/tape" && path != "/page") return refusal(404, "there is nothing at this address");
  if (request.method != "POST") return wrong_method("POST");
  return answer_post(request);
}

Answer Service::answer_post(const Request& request) {
  if (!comes_from_our_page(request)) return refusal(403, "only the page of this server may ask it");
  const auto types = values(request, "content-type");
  if (types.size() != 1 || !is_json(types[0]))
    return refusal(415, "a question is sent as application/json");
  try {
    const Question question = read_question(request.body);
    const std::scoped_lock lock(computing_);
    try {
      const Tape tape = tape_of(question);
      if (request.path.starts_with("/page"))
        return {.type = "text/html; charset=utf-8",
                .body = explorer_page(tape.story, tape.options)};
      return {.type = "application/json", .body = explorer_data(tape.story, tape.options)};
    } catch (const Trouble& trouble) {
      return {.type = "application/json", .body = json_of(trouble)};
    } catch (const Error& error) {
      return {.type = "application/json", .body = json_of(Trouble(error.what()))};
    }
  } catch (const std::bad_alloc&) {
    return refusal(503, "out of memory");
  } catch (const Error& error) {  // of read_question()
    return refusal(400, error.what());
  }
}

}  // namespace adjoint::explore
