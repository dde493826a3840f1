// explain: an expression, its value and its derivatives, step by step. examples/explain/README.md
// describes the language.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "autograd/support/error.h"
#include "autograd/support/printable.h"
#include "examples/explain/parser.h"
#include "examples/explain/report.h"
#include "examples/explain/session.h"

namespace {

using namespace adjoint;
using namespace adjoint::expression;

constexpr int misused_status = 2;

constexpr auto footer =
    "For example:\n"
    "  explain \"(x*y + sin(x))^2\" x=2 y=3\n"
    "  explain \"sum(softmax(q @ k' / sqrt(2)) @ v)\" q=[[1,0],[0,1]] k=[[1,1],[0,2]] "
    "v=[[1,2],[3,4]]\n"
    "  explain \"h = tanh(w @ x + b); sum(h*h)\" w=[[1,2],[0,1]] x=[0.5,-1] b=[0,0.1] --gradcheck\n"
    "  explain \"softmax(x)\" x=[1,2,3] --html softmax.html\n"
    "  explain help softmax\n"
    "\n"
    "Without an expression it reads lines from standard input; help there lists the functions.\n"
    "\n"
    "Exit codes:\n"
    "  0  ok\n"
    "  1  --gradcheck: a derivative is wrong\n"
    "  2  the expression, an input or an option is wrong\n"
    "  3  --gradcheck: undecidable, nothing is known to be wrong, but not everything could be "
    "checked";

struct UsageError : Error {
  using Error::Error;
};

// -o is an option that does not exist, unless o has a value.
bool is_letter_option(const std::string& word) {
  return word.size() == 2 && word[0] == '-' && std::isalpha(static_cast<unsigned char>(word[1]));
}
bool gives_value(const std::vector<std::string>& words, const std::string& name) {
  return std::ranges::any_of(words,
                             [&](const std::string& word) { return word.starts_with(name + "="); });
}

// The expression and the inputs, as CLI11 leaves them. They may begin with -, and after -- with --.
std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words = app.remaining();
  const auto separator = std::ranges::find(words, "--");
  for (auto word = words.begin(); word != separator; ++word)
    if (word->starts_with("--"))
      throw UsageError("there is no option " + printable_line(*word) +
                       " (see --help); an expression that begins with -- goes into brackets");
    else if (is_letter_option(*word) && !gives_value(words, word->substr(1)))
      throw UsageError("there is no option " + *word + " (see --help)");
  if (separator != words.end()) words.erase(separator);
  return words;
}

void refuse_combinations(const Settings& settings) {
  if (settings.json && settings.dot)
    throw UsageError("--json and --dot are two forms of the same: give one");
  if (!settings.html.empty() && (settings.json || settings.dot))
    throw UsageError("--html writes the page only: omit --json and --dot");
  if (!settings.html.empty() && settings.gradcheck)
    throw UsageError("--gradcheck makes no page: omit --html");
  if (settings.gradcheck && settings.dot) throw UsageError("--gradcheck draws nothing: omit --dot");
  if (settings.order == 2 && !settings.gradcheck &&
      (settings.json || settings.dot || !settings.html.empty()))
    throw UsageError("--order 2 changes nothing about the tape that is printed: omit it");
}

void add_options(CLI::App& app, Settings& settings) {
  app.set_help_flag("-h,--help", "print this");
  app.add_flag("--gradcheck", settings.gradcheck,
               "check the derivatives against finite differences");
  app.add_option_function<std::string>(
         "--order",
         [&](const std::string& order) {
           if (order != "1" && order != "2")
             throw UsageError("--order takes 1 or 2, not " + printable_line(order, 40));
           settings.order = order == "1" ? 1 : 2;
         },
         "2: also second derivatives [1]")
      ->option_text("N")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_flag("--json", settings.json, "print the tape, or the report of the check, as JSON");
  app.add_flag("--dot", settings.dot, "print the tape as a graph that `dot -Tpng` draws");
  app.add_option("--html", settings.html, "write a page that steps through the tape")
      ->option_text("FILE")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_flag("--f32", settings.f32, "compute in f32, not in f64");
  app.allow_extras();
}

// Whether a word looks like x=2.
bool is_input(const std::string& word) {
  const std::size_t equals = word.find_first_of("=()[]+-*/@^,;<>!'");
  return equals > 0 && equals + 1 < word.size() && word[equals] == '=' && word[equals + 1] != '=' &&
         word.find(';') == word.npos;
}

// x= 2 and x = 2 are several words.
void refuse_spaces(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "=")
      throw UsageError("inputs are written name=value, without spaces or in quotes, as in x=2");
    const std::size_t equals = word.find_first_of("=()[]+-*/@^,;<>!'");
    if (equals != word.npos && equals > 0 && equals + 1 == word.size() && word[equals] == '=')
      throw UsageError(printable_line(word.substr(0, equals), 40) + " has no value: write " +
                       printable_line(word, 40) + "2, without spaces");
  }
}

// The expression is the first word that does not look like an input, or else the first.
int explain_words(std::vector<std::string> words, Settings settings) {
  refuse_spaces(words);
  auto expression = std::ranges::find_if_not(words, is_input);
  if (expression == words.end()) expression = words.begin();
  std::rotate(words.begin(), expression, expression + 1);
  settings.title = words[0];
  Program program;
  return program.placing_problems([&] {
    for (std::size_t i = 1; i < words.size(); ++i) parse_input_into(program, words[i]);
    parse_into(program, words[0]);
    return report(std::cout, program, settings);
  });
}

int help(const std::vector<std::string>& words) {
  if (words.size() == 1) print_help(std::cout);
  for (std::size_t i = 1; i < words.size(); ++i) print_help(std::cout, words[i]);
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Explain the value and the derivatives of an expression, step by step:\n"
      "explain EXPRESSION [NAME=VALUE…] [OPTIONS]",
      "explain");
  app.footer(footer);
  Settings settings;
  add_options(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch& error) {
    throw UsageError(std::string(error.what()).starts_with("--html") ? "--html takes a file name"
                                                                     : "--order takes 1 or 2");
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    throw UsageError(error.what());
  }
  const std::vector<std::string> words = words_of(app);
  refuse_combinations(settings);
  if (words.empty() && !settings.html.empty())
    throw UsageError("--html needs an expression: explain EXPRESSION --html FILE");
  const int status = words.empty()
                         ? converse(std::cin, std::cout, std::cerr,
                                    isatty(STDIN_FILENO) && isatty(STDOUT_FILENO), settings)
                     : words[0] == "help" ? help(words)
                                          : explain_words(words, settings);
  if (words.empty()) require(!std::ferror(stdin), "cannot read standard input");
  require(std::cout.flush().good(), "cannot write standard output");
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // exceeding a file size limit is an error, not a crash
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "explain: " << printable_line(error.what(), 1000) << '\n';
    return misused_status;
  }
}
