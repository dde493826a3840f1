// Damage of every kind to saved files, at every byte of the header: either loading is an Error that
// names the file and changes nothing, or it restores exactly what was saved.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "autograd/support/checksum.h"
#include "autograd/support/files.h"
#include "nn/saving/checkpoint.h"
#include "tests/autograd/support.h"
#include "tests/files.h"
#include "tests/nn/support.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;
namespace fs = std::filesystem;

/// A model with tensors of every dtype, and what else a run remembers.
struct Run : Module {
  Tensor f32, f64, i64, b8, twin;  // the twin is a tensor like f32: the two could be exchanged
  Index count;
  double number;

  explicit Run(Dice dice)
      : f32(cast(dice.tensor({2, 3}), DType::f32)),
        f64(dice.tensor({4})),
        i64(dice.integers({4}, -9, 9)),
        b8(dice.booleans({3, 1})),
        twin(cast(dice.tensor({2, 3}), DType::f32)),
        count(dice.between(1, 99)),
        number(dice.tensor({1}).item()) {}

  void fields(Fields& visit) override {
    visit("f32", f32)("f64", f64)("i64", i64)("b8", b8)("twin", twin);
  }
  void state(State& visit) {
    visit("model", static_cast<Module&>(*this))("count", count)("number", number);
    visit.fixed("setting", "a");
  }
  friend bool operator==(const Run& a, const Run& b) {
    return same_bits(parameters(a), parameters(b)) && a.count == b.count && a.number == b.number;
  }
};

void write_plainly(const Run& run, const fs::path& path) {
  SafeTensors content{{}, {{"step", "7"}}};
  for (const auto& [name, parameter] : named_parameters(run)) content.tensors[name] = parameter;
  write_safetensors(path, content);
}

/// A way to save a run and to load it into another one.
struct Way {
  const char* name;
  void (*save)(Run& run, const fs::path& path);
  void (*load)(Run& run, const fs::path& path);
};
const Way parameters_way = {"parameters",
                            [](Run& run, const fs::path& path) {
                              save_parameters(run, path, {{"step", "7"}});
                            },
                            [](Run& run, const fs::path& path) { load_parameters(run, path); }};
const Way without_checksum = {"parameters without a checksum",
                              [](Run& run, const fs::path& path) { write_plainly(run, path); },
                              parameters_way.load};
const Way state_way = {"training state",
                       [](Run& run, const fs::path& path) { save_state(run, path); },
                       [](Run& run, const fs::path& path) { load_state(run, path); }};

/// A saved file, and what loading it does once it is damaged.
class Patient {
 public:
  explicit Patient(const Way& way) : load_(way.load), saved_(Dice(Key(1))) {
    way.save(saved_, path_);
    whole = read_file(path_);
    std::uint64_t length = 0;
    std::memcpy(&length, whole.data(), sizeof length);
    header_end = sizeof length + length;
    // A run loads into one that differs in everything that is not a setting.
    Run after(Dice(Key(2)));
    before_ = copy_of(after);
    way.load(after, path_);
    BOOST_TEST(!(before_ == saved_));
    BOOST_TEST(same_as_saved(after));
  }

  /// Loads these bytes. Returns true if that restores what was saved, and false if it is an Error;
  /// anything else fails the test.
  bool loads(const std::string& bytes) {
    put(path_, bytes);
    Run run = copy_of(before_);
    memory::reset_peak();
    const std::size_t peak = memory::peak();
    bool loaded = true;
    try {
      load_(run, path_);
    } catch (const Error& error) {
      loaded = false;
      const std::string text = error.what();
      BOOST_TEST_REQUIRE(text.starts_with(path_.string() + ": "), text);
      BOOST_TEST_REQUIRE(text.find('\n') == std::string::npos, text);
      BOOST_TEST_REQUIRE(text.size() < path_.string().size() + 1000, text);
    }
    BOOST_TEST_REQUIRE((loaded ? same_as_saved(run) : run == before_));
    BOOST_TEST_REQUIRE(memory::peak() - peak <= 10'000);
    return loaded;
  }

  std::string whole;
  std::size_t header_end;

 private:
  static Run copy_of(const Run& run) {
    Run result = run;
    replace_parameters(result, [](const std::string&, const Tensor& x) { return copy(x); });
    return result;
  }
  bool same_as_saved(const Run& run) const {
    return load_ == state_way.load ? run == saved_ : same_bits(parameters(run), parameters(saved_));
  }

  Folder folder_;
  fs::path path_ = folder_ / "file";
  void (*load_)(Run&, const fs::path&);
  Run saved_, before_ = saved_;
};

/// Replacements for a byte of the header: every byte that differs in one bit, and those with a
/// meaning in JSON, in a number or in the name of a dtype.
std::string replacements(char byte) {
  std::string values("\0\xFF\"{}[],:\\ -+.0123456789eEFIBLO", 31);
  for (int bit = 0; bit < 8; ++bit) values += static_cast<char>(byte ^ (1 << bit));
  std::erase(values, byte);
  return values;
}

/// The bytes with random damage in one place.
std::string damaged(std::string bytes, Dice& dice) {
  const auto size = static_cast<Index>(bytes.size());
  const auto at = static_cast<std::size_t>(dice.between(0, size - 1));
  const auto length = static_cast<std::size_t>(dice.between(1, 64));
  switch (dice.between(0, 4)) {
    case 0:  // other bytes
      for (std::size_t i = at; i < std::min(at + length, bytes.size()); ++i)
        bytes[i] = static_cast<char>(bytes[i] ^ dice.between(1, 255));
      return bytes;
    case 1:  // cut off
      return bytes.substr(0, at);
    case 2:  // cut out
      return bytes.erase(at, length);
    case 3: {  // inserted
      std::string more;
      for (std::size_t i = 0; i < length; ++i) more += static_cast<char>(dice.between(0, 255));
      return bytes.insert(at, more);
    }
    default:  // doubled
      return bytes.insert(at, bytes.substr(at, length));
  }
}

void damage_every_byte_of_the_header(const Way& way, int may_load) {
  Patient patient(way);
  int loaded = 0, tried = 0;
  for (std::size_t i = 0; i < patient.header_end; ++i)
    for (const char value : replacements(patient.whole[i])) {
      BOOST_TEST_CONTEXT(way.name << ": byte " << i << " is " << static_cast<int>(value)) {
        std::string bytes = patient.whole;
        bytes[i] = value;
        loaded += patient.loads(bytes);
        ++tried;
      }
    }
  BOOST_TEST(tried > 10'000);
  BOOST_TEST(loaded <= may_load);
}

void damage_random_places(const Way& way) {
  Patient patient(way);
  Dice dice(Key(3));
  int loaded = 0;
  for (int round = 0; round < 1000; ++round) BOOST_TEST_CONTEXT(way.name << ": round " << round) {
      loaded += patient.loads(damaged(patient.whole, dice));
    }
  BOOST_TEST(loaded < 30);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_corruption)

// The only files that still load have another name for the checksum, and nothing else wrong.
constexpr int checksum_name = 13 * 39;

BOOST_AUTO_TEST_CASE(a_wrong_byte_in_the_header_of_a_model) {
  damage_every_byte_of_the_header(parameters_way, checksum_name);
}

// Without a checksum, metadata is trusted. Everything else is found by comparison with the model.
BOOST_AUTO_TEST_CASE(a_wrong_byte_in_the_header_of_a_model_without_a_checksum) {
  constexpr int metadata = 8 * 39;  // "step" and "7", with room for escapes
  damage_every_byte_of_the_header(without_checksum, metadata);
}

BOOST_AUTO_TEST_CASE(a_wrong_byte_in_the_header_of_a_training_state) {
  damage_every_byte_of_the_header(state_way, 0);
}

BOOST_AUTO_TEST_CASE(a_thousand_random_places_of_a_model) { damage_random_places(parameters_way); }
BOOST_AUTO_TEST_CASE(a_thousand_random_places_of_a_training_state) {
  damage_random_places(state_way);
}

BOOST_AUTO_TEST_CASE(a_wrong_bit_anywhere_in_the_data_is_noticed) {
  for (const Way& way : {parameters_way, state_way}) {
    Patient patient(way);
    for (std::size_t i = patient.header_end; i < patient.whole.size(); ++i)
      for (int bit = 0; bit < 8; ++bit) {
        std::string bytes = patient.whole;
        bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
        BOOST_TEST(!patient.loads(bytes), way.name << ": byte " << i << ", bit " << bit);
      }
  }
}

// ---- The checksum ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_checksum_is_crc_32) {
  BOOST_TEST(crc32("") == 0u);
  BOOST_TEST(crc32("123456789") == 0xCBF43926u);  // the check value that the literature gives
  BOOST_TEST(crc32("6789", crc32("12345")) == 0xCBF43926u);

  // The division, bit by bit.
  const auto divided = [](const std::string& bytes) {
    std::uint32_t rest = 0xFFFFFFFF;
    for (const char byte : bytes) {
      rest ^= static_cast<unsigned char>(byte);
      for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320 : 0);
    }
    return ~rest;
  };
  Dice dice(Key(1));
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    for (Index left = dice.between(0, 40); left > 0; --left)
      bytes += static_cast<char>(dice.between(0, 255));
    const auto cut = static_cast<std::size_t>(dice.between(0, static_cast<Index>(bytes.size())));
    BOOST_TEST(crc32(bytes) == divided(bytes));
    BOOST_TEST(crc32(bytes.substr(cut), crc32(bytes.substr(0, cut))) == divided(bytes));
  }
}

// The figure is from Python's zlib, computed by the lines in nn/saving/README.md.
BOOST_AUTO_TEST_CASE(others_can_compute_it) {
  SafeTensors content;
  content.tensors["b"] = tensor({{1, -2.5, 0}, {3, 4, 5}});
  content.tensors["a"] = scalar(7, DType::i64);
  content.metadata = {{"ü", "1"}, {"step", "12"}};
  BOOST_TEST(with_checksum(content).metadata.at("adjoint.crc32") == "cdb967fc");
}

BOOST_AUTO_TEST_CASE(it_covers_the_content_and_not_its_order) {
  const Folder folder;
  SafeTensors content;
  content.tensors["a"] = tensor({1, 0}, DType::b8);
  content.tensors["b"] = tensor({0, 1}, DType::b8);
  const std::string sum = with_checksum(content).metadata.at("adjoint.crc32");
  const auto read = [&](const std::string& first, const std::string& second,
                        const std::string& data) {
    const std::string header =
        "{\"" + first + R"(": {"shape": [2], "dtype": "BOOL", "data_offsets": [0, 2]}, ")" +
        second + R"(": {"data_offsets": [2, 4], "dtype": "BOOL", "shape": [2]}, )" +
        R"("__metadata__": {"adjoint.crc32": ")" + sum + R"("}})";
    const std::uint64_t length = header.size();
    std::string bytes(sizeof length, '\0');
    std::memcpy(bytes.data(), &length, sizeof length);
    write_file(folder / "file", bytes + header + data);
    return read_safetensors(folder / "file");
  };
  const SafeTensors other_order = read("b", "a", std::string("\0\1\1\0", 4));
  BOOST_TEST(same_bits(other_order.tensors.at("a"), content.tensors.at("a")));
  BOOST_TEST(other_order.metadata.empty());
  BOOST_CHECK_THROW(read("a", "b", std::string("\0\1\1\0", 4)), Error);
}

BOOST_AUTO_TEST_SUITE_END()
