// The reader of a training run's records, and the page that is made from them.

#include <nlohmann/json.hpp>

#include "autograd/support/files.h"
#include "examples/seq2seq/report/json.h"
#include "examples/seq2seq/report/warnings.h"
#include "tests/fuzz/harness.h"

namespace adjoint::fuzz {

void records(Bytes input) {
  const std::filesystem::path folder = file_with(input).parent_path() / "run";
  std::filesystem::create_directories(folder);
  std::filesystem::rename(file_with(input), folder / seq2seq::records_file);
  seq2seq::Records first;
  if (!accepted([&] { first = seq2seq::read_records(folder); })) return;

  const auto shown = [](const seq2seq::Records& records) {
    std::string text = seq2seq::json_of(records).dump(
        -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    for (const seq2seq::Warning& warning : seq2seq::warnings(records, {}, 100, nullptr))
      text += warning.title + warning.text;
    return text;
  };
  const std::string text = shown(first);
  // A line that is not complete does not count.
  const std::string bytes = read_file(folder / seq2seq::records_file);
  write_file(folder / seq2seq::records_file, bytes.substr(0, bytes.rfind('\n') + 1) + "{\"step\":");
  promise(shown(seq2seq::read_records(folder)) == text, "a line that was cut changes nothing");
}

}  // namespace adjoint::fuzz
