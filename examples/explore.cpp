// explore: the page that steps through a tape, with the engine behind it.
// examples/explore/README.md says how to use it.

// Debian's library is built with these, and the classes in its header depend on them: see the
// Makefile's HTTPLIB_CFLAGS.
#include <httplib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "autograd/support/program.h"
#include "examples/explore/service.h"
#include "examples/explore/tape.h"

namespace {

using namespace adjoint;

constexpr int misused_status = 2;
constexpr const char* machine = "127.0.0.1";  // nobody else can reach it

struct Settings {
  int port = 0;  // 0: a free one
  bool no_open = false;
  std::string folder;  // where --write writes to; empty: it serves
};

// ---- The server ---------------------------------------------------------------------------------

// Ctrl-C ends the server, which first finishes what it is answering. A second one ends the program.
std::atomic<httplib::Server*> running = nullptr;
void end_server(int signal) {
  if (httplib::Server* const server = running.exchange(nullptr)) {
    server->stop();
    return;
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

explore::Request request_of(const httplib::Request& request) {
  return {.method = request.method,
          .path = request.path,
          .headers = {request.headers.begin(), request.headers.end()}};
}

void send(const explore::Answer& answer, httplib::Response& response) {
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  if (answer.body.empty()) return;
  // From a provider, for set_content() would have the library compress it, which takes longer than
  // to send it from a program to another one on this machine.
  response.set_content_provider(
      answer.body.size(), answer.type,
      [body = answer.body](std::size_t begin, std::size_t length, httplib::DataSink& sink) {
        return sink.write(body.data() + begin, length);
      });
}

void set_up(httplib::Server& server, explore::Service& service) {
  // Without the body: what it has is left on the connection, which is closed.
  const auto without_body = [&](const httplib::Request& request, httplib::Response& response) {
    send(service.answer(request_of(request)), response);
  };
  // The limit counts what arrives, whether it is sent in chunks or compressed.
  const auto with_body = [&](const httplib::Request& request, httplib::Response& response,
                             const httplib::ContentReader& read) {
    explore::Request ours = request_of(request);
    if (!request.is_multipart_form_data() && !read([&](const char* data, std::size_t size) {
          if (ours.body.size() <= explore::most_bytes) ours.body.append(data, size);
          return ours.body.size() <= explore::most_bytes;
        }) &&
        response.status == 413)  // by its Content-Length: none of it was read
      ours.body.assign(explore::most_bytes + 1, ' ');
    send(service.answer(ours), response);
  };
  const std::string all = "[^]*";
  server.Get(all, without_body).Options(all, without_body);
  server.Post(all, with_body).Put(all, with_body).Patch(all, with_body).Delete(all, with_body);
  server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty() && response.content_length_ == 0)
      response.set_content("the request could not be read\n", "text/plain; charset=utf-8");
  });
  server.set_default_headers({{"Cache-Control", "no-store"},
                              {"Content-Security-Policy", "frame-ancestors 'none'"},
                              {"Cross-Origin-Resource-Policy", "same-origin"},
                              {"Referrer-Policy", "no-referrer"},
                              {"X-Content-Type-Options", "nosniff"}});
  server.set_payload_max_length(explore::most_bytes + 1);
  server.set_keep_alive_max_count(1);  // so that an idle connection delays no end
  server.set_read_timeout(2);
  server.set_write_timeout(10);
  server.new_task_queue = [] { return new httplib::ThreadPool(16); };
}

bool has_display() {
  const auto given = [](const char* name) {
    const char* const value = std::getenv(name);
    return value && *value;
  };
  return given("DISPLAY") || given("WAYLAND_DISPLAY");
}

int serve(const Settings& settings) {
  httplib::Server server;
  server.set_socket_options([](int socket) {  // without SO_REUSEPORT, so that a port is ours alone
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  int port = settings.port;
  if (port == 0)
    port = server.bind_to_any_port(machine);
  else if (!server.bind_to_port(machine, port))
    port = -1;
  require(port > 0, "port ", settings.port, " cannot be had: ", std::strerror(errno),
          "; without --port, a free one is taken");
  explore::Service service(port);
  set_up(server, service);
  const std::string address = text_from("http://", machine, ':', port, '/');
  std::cout << "the page is at " << address << "   (Ctrl-C ends it)" << std::endl;
  running = &server;
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, end_server);
  std::signal(SIGPIPE, SIG_IGN);
  if (!settings.no_open && has_display()) run_program({"xdg-open", address}, "/dev/null");
  const bool ended_well = server.listen_after_bind();
  running = nullptr;
  require(ended_well, "the server on port ", port, " has failed");
  return 0;
}

// ---- Files --------------------------------------------------------------------------------------

int write_all(const Settings& settings) {
  std::filesystem::create_directories(settings.folder);
  for (const explore::Example& example : explore::examples()) {
    const explore::Tape tape = explore::tape_of({.example = &example});
    const auto path =
        std::filesystem::path(settings.folder) / (std::string(example.name) + ".html");
    write_file(path, explorer_page(tape.story, tape.options));
    std::cout << printable_line(path.string(), 0) << '\n';
  }
  require(std::cout.flush().good(), "cannot write standard output");
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Serve the page that steps through a tape, with the engine behind it, to this machine",
      "explore");
  Settings settings;
  app.set_help_flag("-h,--help", "print this");
  app.add_option("--port", settings.port, "the port; without it, a free one")
      ->option_text("N")
      ->check(CLI::Range(1, 65535));
  app.add_flag("--no-open", settings.no_open, "open no browser");
  app.add_option("--write", settings.folder, "write a page for each example instead, and end")
      ->option_text("FOLDER");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    fail(error.what());
  }
  return settings.folder.empty() ? serve(settings) : write_all(settings);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "explore: " << printable_line(error.what(), 1000) << '\n';
    return misused_status;
  }
}
