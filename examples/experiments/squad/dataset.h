// Questions about passages, in the form of SQuAD v1.1 (Rajpurkar et al. 2016, "SQuAD: 100,000+
// questions for machine comprehension of text"): each answer is a span of its passage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::squad {

using Index = std::int64_t;

/// A span of the passage.
struct Answer {
  std::string text;
  Index start = 0;  ///< where it begins, in code points of the passage

  bool operator==(const Answer&) const = default;
};
struct Question {
  std::string id, text;
  std::vector<Answer> answers;  ///< at least one; several when people were asked again

  bool operator==(const Question&) const = default;
};
struct Passage {
  std::string text;
  std::vector<Question> questions;

  bool operator==(const Passage&) const = default;
};
struct Article {
  std::string title;
  std::vector<Passage> passages;

  bool operator==(const Article&) const = default;
};
using Dataset = std::vector<Article>;

/// The data set in a JSON text; `path` is for messages. An Error names the path, and the line and
/// column of what is not JSON or not UTF-8, or the way to what is not SQuAD v1.1:
/// "data[3].paragraphs[0].qas[2]". Refused are fields of another type or absent, no article, no
/// question, a question without an answer or with the id of another one, and an answer that does
/// not stand where it says. Unknown fields are skipped.
Dataset dataset_from(std::string_view json, const std::filesystem::path& path);
/// Reads a regular file of at most 1 GB.
Dataset read_dataset(const std::filesystem::path& path);

/// As SQuAD's files are written: one line, ASCII only.
std::string to_json(const Dataset& dataset);

}  // namespace adjoint::squad
