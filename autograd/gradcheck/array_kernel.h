// A kernel on raw arrays, called so that what it does beside computing is noticed: writes outside
// of its arrays, changes of what it should only read, and results that it adds or does not write.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>

#include "autograd/gradcheck/arrays.h"

namespace adjoint::checking {

inline constexpr std::size_t guard = 64;  // elements of NaN before and behind an array
inline constexpr auto was_added = " was added to what was there, not stored, by the ";
inline constexpr auto was_not_written = " was not written by the ";

template <Real T>
using Values = std::vector<T>;

template <Real T>
bool same_bits(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

// A quiet NaN that no computation makes.
template <Real T>
T guard_value() {
  if constexpr (sizeof(T) == 4)
    return std::bit_cast<T>(std::uint32_t{0x7fc5a5a5});
  else
    return std::bit_cast<T>(std::uint64_t{0x7ff8a5a5a5a5a5a5});
}

// ---- Arrays that notice what is done to them ----------------------------------------------------

// An array as the user's function gets it, between two guards.
template <Real T>
class GuardedArray {
 public:
  explicit GuardedArray(const Values<T>& content) : size_(content.size()) {
    memory_.assign(size_ + 2 * guard, guard_value<T>());
    std::ranges::copy(content, memory_.begin() + guard);
  }
  std::span<T> span() { return {memory_.data() + guard, size_}; }
  std::span<const T> span() const { return {memory_.data() + guard, size_}; }
  Values<T> content() const { return {span().begin(), span().end()}; }

  /// How many elements were written before the array, and how many behind it.
  std::pair<std::ptrdiff_t, std::ptrdiff_t> writes_outside() const {
    const auto written = [](const T& x) { return !same_bits(x, guard_value<T>()); };
    const auto begin = memory_.begin() + guard, end = memory_.end() - guard;
    return {std::count_if(memory_.begin(), begin, written),
            std::count_if(end, memory_.end(), written)};
  }

 private:
  std::size_t size_;
  Values<T> memory_;
};

// Arrays of the same role: the inputs, the outputs, their cotangents, or the gradients.
template <Real T>
struct Group {
  const char* role;  // "the gradient of "
  const std::vector<ArrayForm>& forms;
  std::vector<GuardedArray<T>> arrays;

  Group(const char* arrays_role, const std::vector<ArrayForm>& arrays_forms,
        const std::vector<Values<T>>& contents)
      : role(arrays_role), forms(arrays_forms), arrays(contents.begin(), contents.end()) {}

  std::string title(std::size_t i) const { return role + forms[i].name; }
  std::string element(std::size_t i, std::size_t position) const {
    const std::string indices = index_text(forms[i].shape, static_cast<Index>(position));
    return indices.empty() ? "its value" : "element " + indices;
  }
  Spans<T> spans() {
    Spans<T> result;
    for (GuardedArray<T>& array : arrays) result.push_back(array.span());
    return result;
  }
  Spans<const T> const_spans() const {
    Spans<const T> result;
    for (const GuardedArray<T>& array : arrays) result.push_back(array.span());
    return result;
  }
  std::vector<Values<T>> contents() const {
    std::vector<Values<T>> result;
    for (const GuardedArray<T>& array : arrays) result.push_back(array.content());
    return result;
  }
};

template <Real T>
std::vector<Values<T>> zeros_for(const std::vector<ArrayForm>& forms) {
  std::vector<Values<T>> result;
  for (const ArrayForm& form : forms)
    result.emplace_back(static_cast<std::size_t>(form.shape.numel()));
  return result;
}

// ---- The kernel under check ---------------------------------------------------------------------

// Calls the user's functions and collects what they do beside computing.
template <Real T>
class Kernel {
 public:
  Kernel(ArrayForward<T> forward, ArrayBackward<T> backward, std::vector<ArrayForm> inputs,
         std::vector<ArrayForm> outputs, bool accumulates)
      : forward_(std::move(forward)),
        backward_(std::move(backward)),
        inputs_(std::move(inputs)),
        outputs_(std::move(outputs)),
        accumulates_(accumulates) {}

  ArrayJvp<T> jvp = {};
  const char* forward_name = "forward";
  const char* backward_name = "backward";
  bool is_scalar = false;  ///< `backward` gives the gradient of the value, for the cotangent 1

  /// One for each array and kind of misdeed, however often it happens.
  std::vector<Finding> findings() const {
    std::vector<Finding> result;
    for (const auto& [key, finding] : findings_) {
      // Adding 0 looks like not writing; where others were added to, it is the former.
      const bool adds = findings_.contains({key.first, was_added});
      if (!adds || key.second != was_not_written) result.push_back(finding);
    }
    return result;
  }

  std::vector<Values<T>> forward(const std::vector<Values<T>>& inputs, bool at_point) {
    const auto run = [&](const std::vector<Values<T>>& start) {
      Group<T> in("", inputs_, inputs), out("", outputs_, start);
      run_forward(in, out);
      return out.contents();
    };
    std::vector<Values<T>> result = run(zeros_for<T>(outputs_));
    if (at_point) compare(forward_name, {"", outputs_, result}, run, false);
    return result;
  }

  std::vector<Values<T>> push_forward(const std::vector<Values<T>>& inputs,
                                      const std::vector<Values<T>>& tangents) {
    Group<T> in("", inputs_, inputs), along("the tangent of ", inputs_, tangents),
        out("the tangent of ", outputs_, zeros_for<T>(outputs_));
    jvp(in.const_spans(), along.const_spans(), out.spans());
    require_unchanged("jvp", in, inputs);
    require_unchanged("jvp", along, tangents);
    require_inside("jvp", {&in, &along, &out});
    return out.contents();
  }

  std::vector<Values<T>> backward(const std::vector<Values<T>>& inputs,
                                  const std::vector<Values<T>>& cotangents) {
    const auto run = [&](const std::vector<Values<T>>& start) {
      // The forward comes first, on the same arrays: a layer may keep what it has seen.
      Group<T> in("", inputs_, inputs), out("", outputs_, zeros_for<T>(outputs_));
      run_forward(in, out);
      const std::vector<Values<T>> before = in.contents(), outputs = out.contents();
      Group<T> from("the cotangent of ", outputs_, cotangents),
          to("the gradient of ", inputs_, start);
      backward_(in.const_spans(), out.const_spans(), from.const_spans(), to.spans());
      require_unchanged(backward_name, in, before);
      require_unchanged(backward_name, out, outputs);
      require_unchanged(backward_name, from, cotangents);
      require_inside(backward_name, {&in, &out, &from, &to});
      return to.contents();
    };
    std::vector<Values<T>> result = run(zeros_for<T>(inputs_));
    compare(backward_name, {"the gradient of ", inputs_, result}, run, accumulates_);
    if (is_scalar)
      for (T& x : result[0]) x *= cotangents[0][0];
    return result;
  }

 private:
  void run_forward(Group<T>& in, Group<T>& out) {
    const std::vector<Values<T>> before = in.contents();
    forward_(in.const_spans(), out.spans());
    require_unchanged(forward_name, in, before);
    require_inside(forward_name, {&in, &out});
  }

  void add(const std::string& title, const std::string& misdeed, const std::string& note) {
    findings_.try_emplace(
        {title, misdeed},
        Finding{.kind = Finding::Kind::side_effect, .where = title, .relative = 1, .note = note});
  }

  void require_unchanged(const char* who, const Group<T>& group,
                         const std::vector<Values<T>>& before) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      const std::span<const T> now = group.arrays[i].span();
      const auto [changed, old] = std::ranges::mismatch(now, before[i], same_bits<T>);
      if (changed == now.end()) continue;
      const auto position = static_cast<std::size_t>(changed - now.begin());
      add(group.title(i), "changed",
          text_from("the ", who, " changed it: ", group.element(i, position), " was ", *old,
                    ", now is ", *changed));
    }
  }

  void require_inside(const char* who, std::initializer_list<const Group<T>*> groups) {
    for (const Group<T>* group : groups)
      for (std::size_t i = 0; i < group->arrays.size(); ++i) {
        const auto [before, behind] = group->arrays[i].writes_outside();
        const auto tell = [&](std::ptrdiff_t count, const char* place) {
          if (count > 0)
            add(group->title(i), place,
                text_from("the ", who, " wrote outside of it: ", count,
                          count == 1 ? " element " : " elements ", place));
        };
        tell(before, "before its beginning");
        tell(behind, "behind its end");
      }
  }

  // Runs again with other numbers in the arrays that are written to, which held zeros before. The
  // result must be the same, or that sum if gradients are added to what is there.
  template <class Run>
  void compare(const char* who, const Group<T>& group, const Run& run, bool accumulates) {
    const std::vector<Values<T>> from_zeros = group.contents();
    std::vector<Values<T>> start;
    for (std::size_t i = 0; i < from_zeros.size(); ++i)
      start.push_back(garbage(from_zeros[i], Key(i)));
    const std::vector<Values<T>> from_garbage = run(start);
    if (!same(run(zeros_for<T>(group.forms)), from_zeros)) return;  // random: found elsewhere
    for (std::size_t i = 0; i < start.size(); ++i)
      compare(who, group, i, {from_zeros[i], start[i], from_garbage[i]}, accumulates);
  }

  static bool same(const std::vector<Values<T>>& a, const std::vector<Values<T>>& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!std::ranges::equal(a[i], b[i], same_bits<T>)) return false;
    return true;
  }

  // Random numbers of the size of the values, so that neither drowns in the other.
  static Values<T> garbage(const Values<T>& values, Key key) {
    T largest = 0;
    for (const T x : values)
      if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
    if (largest == 0) largest = 1;
    const Tensor numbers = uniform({std::ssize(values)}, 0.5, 1.5, key, dtype_of<T>);
    Values<T> result(numbers.values<T>().begin(), numbers.values<T>().end());
    for (T& x : result) x *= largest;
    return result;
  }

  // Three runs of one array: what came out of zeros, the other start, and what came out of that.
  struct Runs {
    const Values<T>&from_zeros, &start, &from_start;
    bool differs(std::size_t k) const { return !same_bits(from_zeros[k], from_start[k]); }
    bool untouched(std::size_t k) const {
      return same_bits(start[k], from_start[k]) && from_zeros[k] == 0;
    }
    bool added(std::size_t k) const {
      const T sum = start[k] + from_zeros[k];
      const T size = std::abs(start[k]) + std::abs(from_zeros[k]);
      return std::abs(from_start[k] - sum) <= std::sqrt(std::numeric_limits<T>::epsilon()) * size;
    }
  };

  void compare(const char* who, const Group<T>& group, std::size_t i, const Runs& runs,
               bool accumulates) {
    std::vector<std::size_t> untouched, added, replaced, other;
    for (std::size_t k = 0; k < runs.start.size(); ++k) {
      if (!runs.differs(k))
        replaced.push_back(k);
      else if (runs.untouched(k))
        untouched.push_back(k);
      else
        (runs.added(k) || !std::isfinite(runs.from_zeros[k]) ? added : other).push_back(k);
    }
    const auto tell = [&](const std::vector<std::size_t>& elements, const char* what) {
      if (elements.empty()) return;
      std::string note = text_from(group.element(i, elements[0]), what, who);
      if (elements.size() > 1) note += text_from("; and ", elements.size() - 1, " more like it");
      add(group.title(i), what, note);
    };
    tell(other, " depends on what the array held before the ");
    if (accumulates) {
      tell(replaced, " was overwritten, not added to, by the ");
      return;
    }
    tell(added, was_added);
    if (added.empty()) tell(untouched, was_not_written);
  }

  ArrayForward<T> forward_;
  ArrayBackward<T> backward_;
  std::vector<ArrayForm> inputs_, outputs_;
  bool accumulates_;
  std::map<std::pair<std::string, std::string>, Finding> findings_;  // by array and misdeed
};

}  // namespace adjoint::checking
