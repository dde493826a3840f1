// What a text of the expression language says: statements, and the tree of each. No value is known
// yet.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/shape.h"
#include "autograd/support/error.h"

namespace adjoint::expression {

struct Function;

/// A place in what was typed. The column counts characters from 1.
struct Place {
  std::size_t text = 0;  ///< number of the text, in Program::texts
  Index column = 1;
};

/// Something is wrong at a place.
class Problem : public Error {
 public:
  Problem(Place place, const std::string& message) : Error(message), place_(place) {}
  Place place() const { return place_; }

 private:
  Place place_;
};

/// Throws a Problem with the text of the parts.
template <class... Parts>
[[noreturn]] void refuse(Place place, const Parts&... parts) {
  throw Problem(place, text_from(parts...));
}

struct Node {
  enum class Kind { number, name, list, call };
  Kind kind = Kind::number;
  Place place = {};
  double number = 0;
  std::size_t name = 0;                ///< in Program::names
  const Function* function = nullptr;  ///< of a call; operators are calls, too
  /// Of a list, which holds numbers only: its items. Of a call: a node, or `absent`, for each
  /// parameter; then those for the parameter that takes any number.
  std::size_t first = 0, count = 0;  ///< in Program::operands
};

struct Statement {
  std::optional<std::size_t> name;  ///< that it gives a value to
  Place place;
  std::size_t first, root;  ///< its nodes: [first, root]
};

/// Texts that were parsed one after the other.
struct Program {
  static constexpr std::size_t absent = std::numeric_limits<std::size_t>::max();

  std::vector<std::string> texts;     ///< what messages call each: "input q"; empty: nothing
  std::vector<std::string> names;     ///< all that occur
  std::vector<Node> nodes;            ///< operands stand before the node that uses them
  std::vector<std::size_t> operands;  ///< numbers of nodes
  std::vector<Statement> statements;  ///< the last one is the result

  /// "column 9: …", or "input q, column 9: …".
  std::string text_of(const Problem& problem) const;

  /// f(); a Problem becomes an Error with that text.
  template <class F>
  auto placing_problems(F f) const try {
    return f();
  } catch (const Problem& problem) {
    throw Error(text_of(problem));
  }
};

}  // namespace adjoint::expression
