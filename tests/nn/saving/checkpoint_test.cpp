#include "nn/saving/checkpoint.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autograd/grad.h"
#include "autograd/random.h"
#include "autograd/support/files.h"
#include "tests/autograd/support.h"
#include "tests/files.h"

namespace {

using namespace adjoint;
using namespace adjoint::nn;
using namespace adjoint::testing;
namespace fs = std::filesystem;

/// The bytes of a file with this header and data_size bytes of data (0, 1, 0, 1, ...).
std::string file_of(const std::string& header, std::size_t data_size) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  bytes += header;
  for (std::size_t i = 0; i < data_size; ++i) bytes += static_cast<char>(i % 2);
  return bytes;
}

SafeTensors one_of_each() {
  SafeTensors content;
  content.tensors["f32"] = tensor({{1, -2.5}, {0.1, 1e30}});
  content.tensors["f64"] =
      tensor({0.1, -1e300, std::numeric_limits<double>::infinity()}, DType::f64);
  content.tensors["i64"] = from(std::vector<Index>{INT64_MIN, -1, INT64_MAX}, {3, 1});
  content.tensors["b8"] = tensor({1, 0, 1}, DType::b8);
  content.tensors["scalar"] = scalar(3, DType::f64);
  content.tensors["empty"] = zeros({2, 0, 3});
  content.tensors["empty of 8 axes"] = zeros({0, 1, 2, 1, 2, 1, 2, 1}, DType::b8);
  content.tensors["nom accentué\n\"\\"] = scalar(-0.0);
  content.metadata = {{"vocabulary", "a\tb\n\u202F\"é\""}, {"", ""}};
  return content;
}

void check_equal(const SafeTensors& a, const SafeTensors& b) {
  BOOST_TEST((a.metadata == b.metadata));
  BOOST_TEST_REQUIRE(a.tensors.size() == b.tensors.size());
  for (const auto& [name, x] : a.tensors) {
    BOOST_TEST_REQUIRE(b.tensors.contains(name));
    BOOST_TEST(same_bits(x, b.tensors.at(name)), name);
  }
}

struct Layer : Module {
  Tensor weight, bias;
  Layer(Tensor w, Tensor b) : weight(variable(std::move(w))), bias(variable(std::move(b))) {}
  void fields(Fields& visit) override { visit("weight", weight)("bias", bias); }
};

/// Two layers with one shared weight and a bias each.
struct Tied : Module {
  Layer first, second;
  explicit Tied(Key key, DType dtype = DType::f32)
      : first(normal({3, 2}, 0, 1, key.child(0), dtype), normal({3}, 0, 1, key.child(1), dtype)),
        second(zeros({0}), normal({3}, 0, 1, key.child(2), dtype)) {
    second.weight = first.weight;
  }
  void fields(Fields& visit) override { visit("first", first)("second", second); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint)

// ---- The format -------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(everything_comes_back) {
  const Folder folder;
  const SafeTensors content = one_of_each();
  write_safetensors(folder / "file", content);
  check_equal(read_safetensors(folder / "file"), content);
  write_safetensors(folder / "again", read_safetensors(folder / "file"));
  BOOST_TEST((read_file(folder / "again") == read_file(folder / "file")));
  write_safetensors(folder / "file", {});
  check_equal(read_safetensors(folder / "file"), {});
}

BOOST_AUTO_TEST_CASE(the_bytes_are_as_the_format_demands) {
  const Folder folder;
  SafeTensors content;
  content.tensors["a"] = tensor({1, 0}, DType::b8);
  content.tensors["b"] = tensor({{1, 2}});
  content.tensors["c"] = scalar(-1, DType::i64);
  write_safetensors(folder / "file", content);
  std::string header = R"({"c":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},)"
                       R"("a":{"dtype":"BOOL","shape":[2],"data_offsets":[16,18]}})";
  BOOST_TEST(header.size() == 165u);
  header += "   ";  // to 168
  const std::string data("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\x80\x3F\0\0\0\x40\1\0", 18);
  BOOST_TEST((read_file(folder / "file") == file_of(header, 0) + data));

  content.metadata["format"] = "pt";
  write_safetensors(folder / "file", content);
  const std::string bytes = read_file(folder / "file");
  BOOST_TEST(bytes.substr(8, 37) == R"({"__metadata__":{"format":"pt"},"c":{)");
  BOOST_TEST(bytes.size() % 8 == 2u);
}

// Another program wrote this file: see tests/parity/generate.py.
BOOST_AUTO_TEST_CASE(files_of_other_programs_are_read) {
  const fs::path path = fs::path(__FILE__).parent_path().parent_path().parent_path() / "parity" /
                        "vectors.safetensors";
  const SafeTensors vectors = read_safetensors(path);
  BOOST_TEST(vectors.tensors.size() > 800u);
  BOOST_TEST(vectors.metadata.contains("torch"));
  const Tensor& betas = vectors.tensors.at("adam/betas");
  BOOST_TEST((betas.form() == Form{{2}, DType::f64}));
  BOOST_TEST(betas.at({0}) == 0.9);
  BOOST_TEST(betas.at({1}) == 0.999);
  BOOST_TEST((vectors.tensors.at("cross_entropy/targets").form() == Form{{8}, DType::i64}));

  // Order and padding are the same, so the file is the same except for the order of its metadata.
  const Folder folder;
  write_safetensors(folder / "ours", vectors);
  const std::string theirs = read_file(path), ours = read_file(folder / "ours");
  const std::size_t after_metadata = theirs.find("},\"");
  BOOST_TEST((ours.substr(after_metadata) == theirs.substr(after_metadata)));
  BOOST_TEST((ours.substr(0, 8) == theirs.substr(0, 8)));
}

BOOST_AUTO_TEST_CASE(errors_name_what_is_wrong_with_a_file) {
  const Folder folder;
  const fs::path path = folder / "file";
  const auto check_bytes = [&](const std::string& bytes, const std::string& complaint) {
    put(path, bytes);
    BOOST_CHECK_EXCEPTION(read_safetensors(path), Error, says(path.string() + ": " + complaint));
  };
  const auto check = [&](const std::string& header, std::size_t data,
                         const std::string& complaint) {
    check_bytes(file_of(header, data), complaint);
  };
  BOOST_CHECK_EXCEPTION(
      read_safetensors(folder / "none"), Error,
      says("cannot read " + (folder / "none").string() + ": No such file or directory"));

  // the length
  check_bytes("", "truncated: a safetensors file has at least 8 bytes, this one has 0");
  check_bytes("1234567", "truncated: a safetensors file has at least 8 bytes, this one has 7");
  check_bytes(std::string("\3\0\0\0\0\0\0\0{}", 10),
              "truncated: the header has 3 bytes, the file ends after 2 of them");
  check_bytes(
      std::string("\1\xE1\xF5\5\0\0\0\0{}", 10),
      "not a safetensors file: the header would have 100000001 bytes, the limit is 100000000");
  check_bytes(std::string("\0\xE1\xF5\5\0\0\0\0{}", 10),
              "truncated: the header has 100000000 bytes, the file ends after 2 of them");
  check_bytes(
      std::string(8, '\xFF') + "{}",
      "not a safetensors file: the header would have 18446744073709551615 bytes, the limit is "
      "100000000");

  // the JSON
  check("", 0, "the header is not a JSON object");
  check("[]", 0, "the header is not a JSON object");
  check(" {}", 0, "the header is not a JSON object");
  check("\xEF\xBB\xBF{}", 0, "the header is not a JSON object");
  check("{", 0, "the header is not JSON in UTF-8: the error is at byte 1");
  check("{} {}", 0, "the header is not JSON in UTF-8: the error is at byte 3");
  check("{\"a\":1,}", 0, "the header is not JSON in UTF-8: the error is at byte 7");
  check("{\"a\xFF\":1}", 0, "the header is not JSON in UTF-8: the error is at byte 3");
  check("{\"a\xED\xA0\x80\":1}", 0, "the header is not JSON in UTF-8: the error is at byte 4");
  check("{\"a\":nan}", 0, "the header is not JSON in UTF-8: the error is at byte 6");
  check("{\"a\":1e999}", 0, "the header has a number that is out of range");
  check(std::string("{}\0 ", 4), 0, "the header is not JSON: byte 2 is NUL");
  const std::string deep = "the header nests brackets deeper than safetensors do";
  check(R"({"a":{"shape":[[]]}})", 0, deep);
  check("{\"a\":" + std::string(1'000'000, '['), 0, deep);

  // its content
  const auto entry = [](const std::string& dtype, const std::string& shape, std::string offsets) {
    return R"({"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  const std::string good = R"("a":)" + entry(R"("F32")", "[2]", "[0,8]");
  const std::string fields = "tensor a: expected an object of dtype, shape and data_offsets";
  check("{" + good + "," + good + "}", 8, "the header has the key a twice");
  check(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8,
        "the header has the key dtype twice");
  check(R"({"__metadata__":{"k":"1","k":"2"}})", 0, "the header has the key k twice");
  check(R"({"__metadata__":{},"__metadata__":{}})", 0, "the header has the key __metadata__ twice");
  check(R"({"__metadata__":[]})", 0, "__metadata__ is not an object");
  check(R"({"__metadata__":{"k":1}})", 0, "__metadata__: k is not a string");
  check(R"({"a":1})", 0, fields);
  check(R"({"a":{"dtype":"F32","shape":[2]}})", 8, fields);
  check(R"({"a":{"dtype":"F32","shape":[2],"offsets":[0,8]}})", 8, fields);
  check(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}})", 8, fields);
  const auto check_entry = [&](const std::string& dtype, const std::string& shape,
                               const std::string& offsets, const std::string& complaint) {
    check(R"({"a":)" + entry(dtype, shape, offsets) + "}", 8, "tensor a: " + complaint);
  };
  const std::string f32 = R"("F32")", b8 = R"("BOOL")";
  check_entry("1", "[2]", "[0,8]", "the dtype is not a string");
  const std::string readable =
      "; this program reads F64, F32, F16, BF16, F8_E4M3, F8_E5M2, F8_E8M0, I64, I32, I16, I8, "
      "U64, U32, U16, U8 and BOOL";
  check_entry(R"("C64")", "[1]", "[0,8]", "elements of dtype C64 cannot be read" + readable);
  check_entry(R"("F4")", "[16]", "[0,8]", "elements of dtype F4 cannot be read" + readable);
  check_entry(R"("f\n32")", "[2]", "[0,8]", "unknown dtype f\\n32" + readable);
  check_entry(f32, "2", "[0,8]", "shape is not a list");
  const std::string whole = " has an element that is not an integer from 0 to 2^63 - 1";
  for (const char* bad : {"[-2]", "[2.0]", "[true]", "[\"2\"]", "[null]", "[9223372036854775808]",
                          "[18446744073709551618]", "[-9223372036854775808]"}) {
    check_entry(f32, bad, "[0,8]", "shape" + whole);
    check_entry(f32, "[2]", bad, "data_offsets" + whole);
  }
  check_entry(f32, "[2]", "{}", "data_offsets is not a list");
  check_entry(b8, "[1,1,1,1,1,1,1,1,8]", "[0,8]", "shape: at most 8 axes, got 9");
  check_entry(f32, "[4611686018427387904,4]", "[0,0]",
              "shape: [4611686018427387904, 4] has more elements than can be counted");
  check_entry(f32, "[4294967296,4294967298]", "[0,8]",
              "shape: [4294967296, 4294967298] has more elements than can be counted");
  check_entry(f32, "[0,9223372036854775807]", "[0,0]",
              "shape: [0, 9223372036854775807] has more elements than can be counted");
  for (const char* bad : {"[]", "[0]", "[0,8,8]", "[8,0]"})
    check_entry(f32, "[2]", bad, "data_offsets are not a begin and an end");
  check_entry(f32, "[3]", "[0,8]", "F32 of shape [3] takes 12 bytes, data_offsets span 8");
  check_entry(R"("F64")", "[]", "[0,4]", "F64 of shape [] takes 8 bytes, data_offsets span 4");
  check_entry(b8, "[0]", "[0,8]", "BOOL of shape [0] takes 0 bytes, data_offsets span 8");
  check("{" + good + R"(,"a\n\t\u0000":1})", 8,
        "tensor a\\n\\t\\u0000: expected an object of dtype, shape and data_offsets");
  check(
      "{\"" + std::string(1000, 'x') + "\":1}", 8,
      "tensor " + std::string(80, 'x') + "…: expected an object of dtype, shape and data_offsets");

  // the data
  const auto with = [&](const std::string& offsets) {
    return "{" + good + R"(,"b":)" + entry(f32, "[2]", offsets) + "}";
  };
  put(path, file_of(with("[8,16]"), 16));
  BOOST_TEST(read_safetensors(path).tensors.size() == 2u);
  check(with("[8,16]"), 15, "truncated: tensor b ends at byte 16 of the data, the file has 15");
  check(with("[8,16]"), 17,
        "trailing bytes: the tensors end at byte 16 of the data, the file has 17");
  check(with("[9,17]"), 17,
        "a hole in the data: bytes 8 to 9, before tensor b, belong to no tensor");
  check(with("[7,15]"), 15,
        "tensor b overlaps the tensor before it: it begins at byte 7 of the data, the other ends "
        "at 8");
  check(with("[0,8]"), 8,
        "tensor b overlaps the tensor before it: it begins at byte 0 of the data, the other ends "
        "at 8");
  check("{}", 1, "trailing bytes: the tensors end at byte 0 of the data, the file has 1");
  check_bytes(file_of(R"({"a":)" + entry(b8, "[3]", "[0,3]") + "}", 2) + "\2",
              "tensor a: a byte of a BOOL tensor is neither 0 nor 1");
}

BOOST_AUTO_TEST_CASE(false_sizes_take_no_memory) {
  const Folder folder;
  put(folder / "file",
      file_of(R"({"a":{"dtype":"I64","shape":[1073741824],"data_offsets":[0,8589934592]}})", 8));
  memory::reset_peak();
  const std::size_t before = memory::peak();
  BOOST_CHECK_THROW(read_safetensors(folder / "file"), Error);
  BOOST_TEST(memory::peak() == before);
}

BOOST_AUTO_TEST_CASE(content_that_the_format_cannot_hold_is_refused) {
  const Folder folder;
  const fs::path path = folder / "file";
  const auto check = [&](const SafeTensors& content, const std::string& complaint) {
    BOOST_CHECK_EXCEPTION(write_safetensors(path, content), Error,
                          says(path.string() + ": " + complaint));
  };
  check({{{"__metadata__", scalar(1)}}, {}}, "no tensor may have the name __metadata__");
  check({{{"a", Tensor()}}, {}}, "tensor a is empty");
  check({{{"a\xFF", scalar(1)}}, {}}, "cannot write text that is not UTF-8: a\\xff");
  check({{}, {{"key", "\xC3"}}}, "cannot write text that is not UTF-8: \\xc3");
  BOOST_TEST(folder.files() == 0);
}

// ---- Any bytes: an error or tensors, never a crash --------------------------------------------

/// Reads a file that may contain anything. If it gives tensors, all their elements can be read.
bool loads(const fs::path& path) {
  try {
    for (const auto& [name, x] : read_safetensors(path).tensors)
      BOOST_TEST_REQUIRE(numbers(x).size() == static_cast<std::size_t>(x.numel()));
    return true;
  } catch (const Error& error) {
    const std::string text = error.what();
    BOOST_TEST_REQUIRE(text.starts_with(path.string() + ": "));
    BOOST_TEST_REQUIRE(text.find('\n') == std::string::npos);
    BOOST_TEST_REQUIRE(text.size() < path.string().size() + 250);
    return false;
  }
}

struct SmallFile {
  Folder folder;
  fs::path path = folder / "file";
  std::string bytes;
  std::size_t header_end;
  SmallFile() {
    write_safetensors(path, one_of_each());
    bytes = read_file(path);
    header_end =
        8 + static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  }
};

BOOST_FIXTURE_TEST_CASE(any_byte_of_the_header_may_be_wrong, SmallFile) {
  BOOST_TEST_REQUIRE(header_end < bytes.size());
  const std::string values("\0\1\x7F\x80\xC3\xFF\n \"\\,:[]{}-.0189eEtn", 24);
  int refused = 0, tried = 0;
  for (std::size_t i = 0; i < header_end; ++i) {
    std::string wrong = bytes;
    for (const char value : values) {
      wrong[i] = value;
      put(path, wrong);
      ++tried;
      if (!loads(path)) ++refused;
    }
  }
  BOOST_TEST(refused > tried / 2);  // the others: names, metadata and padding
}

BOOST_FIXTURE_TEST_CASE(a_file_may_end_anywhere, SmallFile) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    put(path, bytes.substr(0, size));
    BOOST_TEST(!loads(path));
  }
}

BOOST_FIXTURE_TEST_CASE(random_damage_is_survived, SmallFile) {
  Dice dice(Key(1));
  const auto size = static_cast<Index>(bytes.size());
  for (int round = 0; round < 1000; ++round) {
    std::string wrong = bytes;
    for (Index flips = dice.between(1, 8); flips > 0; --flips) {
      char& byte = wrong[static_cast<std::size_t>(dice.between(0, size - 1))];
      byte = static_cast<char>(byte ^ (1 << dice.between(0, 7)));
    }
    if (dice.coin()) wrong.resize(static_cast<std::size_t>(dice.between(0, size)));
    put(path, wrong);
    loads(path);
  }
}

// ---- Modules ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_module_is_loaded_in_place_and_tied_weights_stay_tied) {
  const Folder folder;
  const fs::path path = folder / "model.safetensors";
  const Tied saved(Key(1));
  save_parameters(saved, path, {{"steps", "7"}});

  const SafeTensors content = read_safetensors(path);
  BOOST_TEST(content.metadata.at("steps") == "7");
  BOOST_TEST(content.tensors.size() == 3u);  // the tied weight once
  BOOST_TEST(same_bits(content.tensors.at("first.weight"), saved.first.weight));
  BOOST_TEST(same_bits(content.tensors.at("second.bias"), saved.second.bias));

  Tied loaded(Key(2));
  const Tensors handles = parameters(loaded);  // as an optimizer has them
  const Tensor y = sum(mul(loaded.first.weight, loaded.first.weight));
  load_parameters(loaded, path);
  BOOST_TEST(same_bits(loaded.first.weight, saved.first.weight));
  BOOST_TEST(same_bits(loaded.second.bias, saved.second.bias));
  BOOST_TEST(loaded.second.weight.storage() == loaded.first.weight.storage());
  for (std::size_t i = 0; i < handles.size(); ++i)
    BOOST_TEST(handles[i].storage() == parameters(loaded)[i].storage());
  BOOST_TEST(loaded.first.weight.tracked());
  // Loading edits the weights, and a graph recorded before notices.
  BOOST_CHECK_THROW(grad(y, {loaded.first.weight}), Error);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_another_model_changes_nothing) {
  const Folder folder;
  const fs::path path = folder / "file";
  const auto check = [&](const SafeTensors& content, const std::string& complaint) {
    write_safetensors(path, content);
    Tied model(Key(1));
    BOOST_CHECK_EXCEPTION(load_parameters(model, path), Error,
                          says(path.string() + ": does not fit this model: " + complaint));
    const Tied same(Key(1));
    for (std::size_t i = 0; i < parameters(same).size(); ++i)
      BOOST_TEST(same_bits(parameters(model)[i], parameters(same)[i]));
  };
  check({{{"first.weight", zeros({2, 3})}, {"c", scalar(1)}, {"d\n", scalar(1)}}, {}},
        "missing first.bias, second.bias; unexpected c, d\\n; "
        "first.weight is f32 [2, 3], the model has f32 [3, 2]");
  check({{{"first.weight", zeros({3, 2})}, {"first.bias", zeros({3})}}, {}}, "missing second.bias");
  check({{{"first.weight", zeros({3, 2})},
          {"first.bias", zeros({3})},
          {"second.bias", zeros({3})},
          {"second.weight", zeros({3, 2})}},
         {}},
        "unexpected second.weight");

  std::map<std::string, Tensor> many;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) many[name] = scalar(1);
  check({many, {}},
        "missing first.weight, first.bias, second.bias; "
        "unexpected a, b, c, d, e, and 2 more");

  save_parameters(Tied(Key(1), DType::f64), path);
  Tied model(Key(1));
  BOOST_CHECK_EXCEPTION(
      load_parameters(model, path), Error,
      says(path.string() +
           ": does not fit this model: first.weight is f64 [3, 2], the model has f32 [3, 2]; "
           "first.bias is f64 [3], the model has f32 [3]; second.bias is f64 [3], the model has "
           "f32 [3]; load the file in its own dtype, then cast the model"));
}

BOOST_AUTO_TEST_CASE(two_parameters_with_one_name_are_an_error) {
  struct Twice : Module {
    Tensor a = variable(scalar(1)), b = variable(scalar(2));
    void fields(Fields& visit) override { visit("a", a)("a", b); }
  };
  const Folder folder;
  BOOST_CHECK_EXCEPTION(save_parameters(Twice(), folder / "file"), Error,
                        says("saving: two tensors have the name a"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_old_checkpoint) {
  const Folder folder;
  const fs::path path = folder / "model.safetensors";
  const Layer old(ones({2, 2}), ones({2}));
  save_parameters(old, path);
  const std::string before = read_file(path);
  std::string message;
  try {
    const SmallDisk disk(4096);
    save_parameters(Layer(ones({100, 100}), ones({100})), path);
  } catch (const Error& error) {
    message = error.what();  // reported below: the report itself may need the disk
  }
  BOOST_TEST(message == "cannot write " + path.string() + ": File too large");
  BOOST_TEST((read_file(path) == before));
  BOOST_TEST(folder.files() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
