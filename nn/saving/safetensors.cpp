#include "nn/saving/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "autograd/support/checksum.h"
#include "autograd/support/error.h"
#include "autograd/support/files.h"

namespace adjoint::nn {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "safetensors are little-endian; a big-endian machine would have to swap their bytes");

constexpr std::size_t length_bytes = 8;  // of the number before the header
constexpr std::uint64_t max_header = 100'000'000;
constexpr auto metadata_key = "__metadata__";
constexpr auto checksum_key = "adjoint.crc32";
constexpr std::string_view codes[] = {"F32", "F64", "I64", "BOOL"};  // by DType

std::string_view code_of(DType dtype) { return codes[static_cast<std::size_t>(dtype)]; }

/// The bytes of a tensor's elements, in place.
std::string_view bytes_of(const Tensor& x) {
  return dispatch(x.dtype(), [&]<class T>() {
    const std::span<const T> values = x.values<T>();
    return std::string_view(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  });
}

/// CRC-32 of everything but a checksum, in hexadecimal (README.md).
std::string checksum_of(const SafeTensors& content) {
  const std::string end(1, '\0');
  std::uint32_t sum = 0;
  for (const auto& [key, text] : content.metadata)
    if (key != checksum_key) sum = crc32(key + end + text + end, sum);
  for (const auto& [name, x] : content.tensors) {
    if (!x.defined()) continue;  // writing refuses it
    std::string sizes;
    for (const Index size : x.shape().sizes())
      sizes += (sizes.empty() ? "" : ",") + std::to_string(size);
    sum = crc32(name + end + std::string(code_of(x.dtype())) + end + sizes + end, sum);
    sum = crc32(bytes_of(x), sum);
  }
  char text[9];
  std::snprintf(text, sizeof text, "%08x", sum);
  return text;
}

/// Returns f(). An Error that f throws gets `what`, a file or a tensor, in front.
template <class F>
auto about(const std::string& what, const F& f) {
  try {
    return f();
  } catch (const Error& error) {
    fail(what, ": ", error.what());
  }
}

// ---- Reading. Nothing in the file is trusted before it is checked. ------------------------------

/// What the header says about one tensor.
struct Entry {
  std::string name;
  Form form;
  std::uint64_t begin, end;  // in the data

  std::string title() const { return "tensor " + shown(name); }
};

/// The header, without the length before it.
std::string_view cut_header(std::string_view bytes) {
  require(bytes.size() >= length_bytes, "truncated: a safetensors file has at least ", length_bytes,
          " bytes, this one has ", bytes.size());
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), length_bytes);
  require(length <= max_header, "not safetensors: the header would have ", length,
          " bytes, the limit is ", max_header);
  bytes.remove_prefix(length_bytes);
  require(length <= bytes.size(), "truncated: the header has ", length,
          " bytes, the file ends after ", bytes.size(), " of them");
  return bytes.substr(0, length);
}

Json parse_header(std::string_view text) {
  // The parser would skip a byte order mark and take a NUL for the end.
  require(text.starts_with('{'), "the header is not a JSON object");
  const std::size_t nul = text.find('\0');
  require(nul == std::string_view::npos, "the header is not JSON: byte ", nul, " is NUL");

  // It would also keep the last of duplicate keys and accept brackets nested to any depth.
  using Event = Json::parse_event_t;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto guard = [&keys](int depth, Event event, const Json& parsed) {
    if (event == Event::object_start || event == Event::array_start)
      require(depth <= 2, "the header nests brackets deeper than safetensors do");
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key)
      require(keys.back().insert(parsed.get<std::string>()).second, "the header has the key ",
              shown(parsed.get<std::string>()), " twice");
    return true;
  };
  try {
    return Json::parse(text, guard);
  } catch (const Json::parse_error& error) {
    fail("the header is not JSON in UTF-8: the error is at byte ", error.byte - 1);
  } catch (const Json::out_of_range&) {
    fail("the header has a number that is out of range");
  }
}

Metadata read_metadata(const Json& json) {
  require(json.is_object(), metadata_key, " is not an object");
  Metadata metadata;
  for (const auto& [key, value] : json.items()) {
    require(value.is_string(), metadata_key, ": ", shown(key), " is not a string");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

DType read_dtype(const Json& json) {
  require(json.is_string(), "the dtype is not a string");
  const auto& code = json.get_ref<const std::string&>();
  const auto found = std::ranges::find(codes, code);
  require(found != std::end(codes), "unknown dtype ", shown(code),
          ", expected F32, F64, I64 or BOOL");
  return static_cast<DType>(found - codes);
}

/// A list of integers that an Index can hold, none negative.
std::vector<Index> read_numbers(const char* field, const Json& json) {
  require(json.is_array(), field, " is not a list");
  std::vector<Index> numbers;
  for (const Json& number : json) {
    // Negative numbers have a second JSON type; fractions and numbers beyond 64 bits have a third.
    require(number.is_number_unsigned() && std::in_range<Index>(number.get<std::uint64_t>()), field,
            " has an element that is not an integer from 0 to 2^63 - 1");
    numbers.push_back(number.get<Index>());
  }
  return numbers;
}

Entry read_entry(const std::string& name, const Json& json) {
  require(json.is_object() && json.size() == 3 && json.contains("dtype") &&
              json.contains("shape") && json.contains("data_offsets"),
          "expected an object of dtype, shape and data_offsets");
  const Form form = {Shape(read_numbers("shape", json["shape"])), read_dtype(json["dtype"])};
  const auto bytes = static_cast<std::uint64_t>(form.shape.numel()) * size_of(form.dtype);

  const std::vector<Index> offsets = read_numbers("data_offsets", json["data_offsets"]);
  require(offsets.size() == 2 && offsets[0] <= offsets[1],
          "data_offsets are not a begin and an end");
  const auto begin = static_cast<std::uint64_t>(offsets[0]);
  const auto end = static_cast<std::uint64_t>(offsets[1]);
  require(end - begin == bytes, code_of(form.dtype), " of shape ", form.shape, " takes ", bytes,
          " bytes, data_offsets span ", end - begin);
  return {name, form, begin, end};
}

/// Sorts the entries by their place and checks that they fill the data exactly.
void check_layout(std::vector<Entry>& entries, std::uint64_t data_size) {
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::tie(e.begin, e.end, e.name); });
  std::uint64_t filled = 0;
  for (const Entry& entry : entries) {
    require(entry.end <= data_size, "truncated: ", entry.title(), " ends at byte ", entry.end,
            " of the data, the file has ", data_size);
    require(entry.begin <= filled, "a hole in the data: bytes ", filled, " to ", entry.begin,
            ", before ", entry.title(), ", belong to no tensor");
    require(entry.begin >= filled, entry.title(),
            " overlaps the tensor before it: it begins at byte ", entry.begin,
            " of the data, the other ends at ", filled);
    filled = entry.end;
  }
  require(filled == data_size, "trailing bytes: the tensors end at byte ", filled,
          " of the data, the file has ", data_size);
}

Tensor read_tensor(const Entry& entry, std::string_view data) {
  const std::string_view bytes = data.substr(entry.begin, entry.end - entry.begin);
  if (entry.form.dtype == DType::b8)
    require(std::ranges::all_of(bytes, [](char byte) { return byte == 0 || byte == 1; }),
            entry.title(), ": a byte of a BOOL tensor is neither 0 nor 1");
  Tensor result(entry.form);
  dispatch(entry.form.dtype,
           [&]<class T>() { std::memcpy(result.edit<T>().data(), bytes.data(), bytes.size()); });
  return result;
}

SafeTensors parse(const std::string& bytes) {
  const std::string_view text = cut_header(bytes);
  const std::string_view data = std::string_view(bytes).substr(length_bytes + text.size());
  const Json header = parse_header(text);

  SafeTensors result;
  std::vector<Entry> entries;
  for (const auto& [key, json] : header.items()) {
    if (key == metadata_key)
      result.metadata = read_metadata(json);
    else
      entries.push_back(about("tensor " + shown(key),
                              [&, &name = key, &entry = json] { return read_entry(name, entry); }));
  }
  check_layout(entries, data.size());
  for (const Entry& entry : entries) result.tensors.emplace(entry.name, read_tensor(entry, data));

  const auto stored = result.metadata.extract(checksum_key);
  if (stored.empty()) return result;
  const std::string actual = checksum_of(result);
  require(stored.mapped() == actual, "damaged: the stored checksum is ", shown(stored.mapped()),
          ", that of the content is ", actual);
  return result;
}

// ---- Writing ------------------------------------------------------------------------------------

using Item = std::pair<const std::string, Tensor>;

/// Wide elements first, then by name, so that every tensor begins at a multiple of its element
/// size.
std::vector<const Item*> in_file_order(const SafeTensors& content) {
  std::vector<const Item*> items;
  for (const Item& item : content.tensors) {
    require(item.first != metadata_key, "no tensor may have the name ", metadata_key);
    require(item.second.defined(), "tensor ", shown(item.first), " is empty");
    items.push_back(&item);
  }
  std::ranges::stable_sort(items, std::greater(),
                           [](const Item* item) { return size_of(item->second.dtype()); });
  return items;
}

/// Text that JSON can hold. Error unless it is UTF-8.
const std::string& utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return text;
  } catch (const Json::type_error&) {
    fail("cannot write text that is not UTF-8: ", shown(text));
  }
}

std::string make_header(const std::vector<const Item*>& items, const Metadata& metadata) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& [key, text] : metadata) json[metadata_key][utf8(key)] = utf8(text);
  std::uint64_t begin = 0;
  for (const Item* item : items) {
    const auto& [name, tensor] = *item;
    const std::uint64_t end = begin + bytes_of(tensor).size();
    auto& entry = json[utf8(name)];
    entry["dtype"] = code_of(tensor.dtype());
    entry["shape"] = tensor.shape().sizes();
    entry["data_offsets"] = {begin, end};
    begin = end;
  }
  std::string header = json.dump();
  header.resize((header.size() + 7) / 8 * 8, ' ');  // so that the data begins at a multiple of 8
  require(header.size() <= max_header, "the header would have ", header.size(),
          " bytes, the limit is ", max_header);
  return header;
}

}  // namespace

std::string shown(const std::string& text) {
  constexpr std::size_t longest = 100;
  const std::string quoted = Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
  const std::string inside = quoted.substr(1, quoted.size() - 2);
  return inside.size() <= longest ? inside : inside.substr(0, longest) + "...";
}

SafeTensors read_safetensors(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  return about(path.string(), [&] { return parse(bytes); });
}

SafeTensors with_checksum(SafeTensors content) {
  content.metadata[checksum_key] = checksum_of(content);
  return content;
}

void write_safetensors(const std::filesystem::path& path, const SafeTensors& content) {
  const auto [header, items] = about(path.string(), [&] {
    std::vector<const Item*> in_order = in_file_order(content);
    return std::pair(make_header(in_order, content.metadata), std::move(in_order));
  });
  const std::uint64_t length = header.size();
  std::vector<std::string_view> pieces = {{reinterpret_cast<const char*>(&length), length_bytes},
                                          header};
  for (const Item* item : items) pieces.push_back(bytes_of(item->second));
  write_file(path, pieces);
}

}  // namespace adjoint::nn
