#include "examples/explain/session.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "autograd/support/ambient.h"
#include "autograd/support/printable.h"
#include "autograd/tools/inspect.h"
#include "examples/explain/advice.h"
#include "examples/explain/functions.h"
#include "examples/explain/lexer.h"
#include "examples/explain/parser.h"

namespace adjoint::expression {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// What help is asked for: names, or one operator. `help + 1` is an expression.
bool names_help(std::string_view text) {
  return is_constant(text) || !function_of_operator(text).empty() ||
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == ' ';
         });
}

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // some editors begin a file with it

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// One line of at most so many bytes; the rest is read, but not kept.
bool read_line(std::istream& in, std::string& line) {
  line.clear();
  constexpr std::size_t most = 4 * most_characters + 1;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    if (c == '\n') return true;
    if (line.size() < most) line += static_cast<char>(c);
  }
  return !line.empty();
}

}  // namespace

// ---- Answers ------------------------------------------------------------------------------------

void Session::answer(std::string_view given, std::ostream& stream) {
  const std::string_view line = trimmed(given);
  if (line.empty() || line.front() == '#' || obey(line, stream)) return;
  Program typed;
  typed.placing_problems([&] { parse_into(typed, given); });
  const Statement& first = typed.statements[0];
  if (typed.statements.size() > 1 || !first.name) {
    const Program program = program_for(given, typed.names);
    program.placing_problems([&] { report(stream, program, settings_); });
  } else {
    const std::string name = typed.names[*first.name];
    std::erase(typed.names, name);
    define({name, std::string(given), typed.names});
  }
}

bool Session::obey(std::string_view line, std::ostream& stream) {
  const std::string_view first = line.substr(0, line.find(' '));
  const std::string_view rest = trimmed(line.substr(first.size()));
  if (rest.empty() && (first == "quit" || first == "exit")) {
    ended_ = true;
  } else if (rest.empty() && first == "help") {
    print_help(stream);
  } else if (first == "help" && names_help(rest)) {
    std::istringstream words{std::string(rest)};
    for (std::string word; words >> word;) print_help(stream, word);
  } else if (rest.empty() && first == "names") {
    for (const Definition& definition : definitions_) stream << definition.text << '\n';
  } else {
    return false;
  }
  return true;
}

// A new value takes the place of the old one if what it uses is defined before that place. Then
// everything that was defined with the name follows.
void Session::define(Definition definition) {
  std::vector<Definition> changed = definitions_;
  const auto same = std::ranges::find(changed, definition.name, &Definition::name);
  const bool in_place = std::ranges::all_of(definition.uses, [&](const std::string& name) {
    return std::find_if(changed.begin(), same,
                        [&](const Definition& earlier) { return earlier.name == name; }) != same;
  });
  if (same != changed.end() && in_place) {
    *same = definition;
  } else {
    if (same != changed.end()) changed.erase(same);
    changed.push_back(definition);
  }
  std::swap(definitions_, changed);
  try {
    const Program program = program_for(definition.text, definition.uses);
    const NoRecording guard;
    program.placing_problems(
        [&] { evaluate(program, {.dtype = settings_.f32 ? DType::f32 : DType::f64}); });
  } catch (...) {
    definitions_ = changed;
    throw;
  }
}

// The line, after the definitions that it needs.
Program Session::program_for(std::string_view line, const std::vector<std::string>& names) const {
  std::vector<std::string> needed = names;
  std::vector<const Definition*> used;
  for (auto definition = definitions_.rbegin(); definition != definitions_.rend(); ++definition) {
    if (!contains(needed, definition->name) || definition->text == line) continue;
    used.push_back(&*definition);
    needed.insert(needed.end(), definition->uses.begin(), definition->uses.end());
  }
  Program program;
  for (auto definition = used.rbegin(); definition != used.rend(); ++definition)
    parse_into(program, (*definition)->text, "where " + (*definition)->name + " is defined");
  parse_into(program, line);
  return program;
}

// ---- Help ---------------------------------------------------------------------------------------

void print_help(std::ostream& stream) {
  stream
      << "x = 2            gives x a value; so does w = [[1, 2], [3, 4]]\n"
         "x^2 + sin(x)     explains an expression\n"
         "help sin         what a function computes, and its derivative\n"
         "names            what has been given a value\n"
         "quit             ends, and so does the end of the input\n\n"
         "Operators, from the last to the first that binds:\n"
         "  < > <= >= == !=     + -     * / @ (matrix product)     -x     ^     x' (transposed)\n"
         "Constants: pi, inf, nan, true, false\n\nFunctions:\n";
  for (const Function& function : functions()) {
    const std::string signature = signature_of(function);
    stream << "  " << signature;
    if (signature.size() > 34)
      stream << "\n  " << std::setw(36) << "";
    else
      stream << std::setw(36 - static_cast<int>(signature.size())) << "";
    stream << function.help << '\n';
  }
}

void print_help(std::ostream& stream, std::string_view name) {
  if (const std::string_view constant = constant_help(name); !constant.empty()) {
    stream << name << ": " << constant << '\n';
    return;
  }
  const std::string_view of_operator = function_of_operator(name);
  const Function* const function = find_function(of_operator.empty() ? name : of_operator);
  require(function, no_such_function(name));
  stream << signature_of(*function) << ": " << function->help << '\n';
  const Tensor y = evaluate(parse(function->example)).result;
  stream << "For example: " << function->example << '\n' << y << '\n';
  std::vector<std::string> told;
  for (const NodePtr& node : tape(y)) {
    if (node->is_leaf() || node->rule().empty() || contains(told, node->name())) continue;
    told.push_back(node->name());
    stream << node->name();
    for (const char* separator = ": "; const char* formula : node->rule())
      stream << std::exchange(separator, ",  ") << formula;
    stream << '\n';
  }
}

// ---- The conversation ---------------------------------------------------------------------------

int converse(std::istream& in, std::ostream& out, std::ostream& err, bool interactive,
             const Settings& settings) {
  Session session(settings);
  bool wrong = false;
  Index number = 0;
  const auto prompt = [&] {
    if (interactive) out << "> " << std::flush;
  };
  if (interactive) out << "Type an expression; help explains more, quit ends.\n";
  std::string line;
  for (prompt(); !session.ended() && read_line(in, line); session.ended() ? void() : prompt()) {
    if (++number == 1 && line.starts_with(byte_order_mark)) line.erase(0, byte_order_mark.size());
    try {
      session.answer(line, out);
    } catch (const Error& error) {
      wrong = true;
      out.flush();
      err << "explain: " << (interactive ? "" : "line " + std::to_string(number) + ", ")
          << printable_line(error.what(), 1000) << std::endl;
    }
    require(out.flush().good(), "cannot write standard output");
  }
  if (interactive && !session.ended()) out << '\n';
  return wrong && !interactive ? 2 : 0;
}

}  // namespace adjoint::expression
