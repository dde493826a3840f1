// The server without its sockets: a request in, an answer out.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace adjoint::explore {

constexpr std::size_t most_bytes = 1'000'000;  ///< of a request's body

struct Request {
  std::string method;
  std::string path;  ///< with what follows it, ?…
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
};

struct Answer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body{};  ///< of an error: one line
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// Answers on behalf of this machine's port:
///
///   GET  /       the page
///   POST /tape   {"expression": "x*y", "inputs": ["x=2", "y=3"]}, or {"example": "diamond"}: the
///                data that the page shows, or what is wrong:
///                {"problem": {"message": "…", "input": 1, "column": 5, "missing": ["z"]}}
///   POST /page   the same question: the page as a file, as `explain --html` writes it
///
/// Others are refused. A request must name this machine as its host, so that no page from elsewhere
/// gets through by a name that resolves to it (DNS rebinding), and where it says by which page it
/// was sent, that must be ours. It reads no file, and answers one question at a time.
class Service {
 public:
  explicit Service(int port);
  Answer answer(const Request& request);

 private:
  Answer answer_post(const Request& request);

  std::vector<std::string> hosts_;
  std::string page_;
  std::mutex computing_;
};

}  // namespace adjoint::explore
