#include "nn/saving/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/support/checksum.h"
#include "autograd/support/error.h"
#include "autograd/support/files.h"
#include "autograd/support/printable.h"
#include "nn/saving/element_types.h"

namespace adjoint::nn {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "safetensors are little-endian; a big-endian machine would have to swap their bytes");

constexpr std::size_t length_bytes = 8;  // of the number before the header
constexpr std::uint64_t max_header = 100'000'000;
constexpr auto metadata_key = "__metadata__";
constexpr auto checksum_key = "adjoint.crc32";

/// The bytes of a tensor's elements, in place.
std::string_view bytes_of(const Tensor& x) {
  return dispatch(x.dtype(), [&]<class T>() {
    const std::span<const T> values = x.values<T>();
    return std::string_view(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  });
}

/// CRC-32 of everything but a checksum, in hexadecimal (README.md).
class Checksum {
 public:
  explicit Checksum(const Metadata& metadata) {
    for (const auto& [key, text] : metadata)
      if (key != checksum_key) sum_ = crc32(key + end + text + end, sum_);
  }
  /// Must be called in the order of the names.
  void add(const std::string& name, std::string_view type, const Shape& shape,
           std::string_view bytes) {
    std::string sizes;
    for (const Index size : shape.sizes())
      sizes += (sizes.empty() ? "" : ",") + std::to_string(size);
    sum_ = crc32(name + end + std::string(type) + end + sizes + end, sum_);
    sum_ = crc32(bytes, sum_);
  }
  std::string text() const {
    char text[9];
    std::snprintf(text, sizeof text, "%08x", sum_);
    return text;
  }

 private:
  const std::string end = std::string(1, '\0');
  std::uint32_t sum_ = 0;
};

/// Returns f(). An Error that f throws gets `what`, a file or a tensor, in front.
template <class F>
auto about(const std::string& what, const F& f) {
  try {
    return f();
  } catch (const Error& error) {
    fail(what, ": ", error.what());
  }
}

// ---- Reading ------------------------------------------------------------------------------------

using Entries = std::map<std::string, SafeTensorsFile::Entry>;

std::string title_of(const std::string& name) { return "tensor " + printable_line(name); }

/// The header, without the length before it.
std::string read_header(const RegularFile& file) {
  require(file.size() >= length_bytes, "truncated: a safetensors file has at least ", length_bytes,
          " bytes, this one has ", file.size());
  char bytes[length_bytes];
  file.read(0, bytes);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes, length_bytes);
  require(length <= max_header, "not a safetensors file: the header would have ", length,
          " bytes, the limit is ", max_header);
  const std::uint64_t rest = file.size() - length_bytes;
  require(length <= rest, "truncated: the header has ", length, " bytes, the file ends after ",
          rest, " of them");
  std::string text(length, '\0');
  file.read(length_bytes, text);
  return text;
}

Json parse_header(const std::string& text) {
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
              printable_line(parsed.get<std::string>()), " twice");
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
    require(value.is_string(), metadata_key, ": ", printable_line(key), " is not a string");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
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

SafeTensorsFile::Entry read_entry(const Json& json) {
  require(json.is_object() && json.size() == 3 && json.contains("dtype") &&
              json.contains("shape") && json.contains("data_offsets"),
          "expected an object of dtype, shape and data_offsets");
  require(json["dtype"].is_string(), "the dtype is not a string");
  const ElementType& type = element_type(json["dtype"].get<std::string>());
  const Form form = {Shape(read_numbers("shape", json["shape"])), type.dtype};
  const auto bytes = static_cast<std::uint64_t>(form.shape.numel()) * type.bytes;

  const std::vector<Index> offsets = read_numbers("data_offsets", json["data_offsets"]);
  require(offsets.size() == 2 && offsets[0] <= offsets[1],
          "data_offsets are not a begin and an end");
  const auto begin = static_cast<std::uint64_t>(offsets[0]);
  const auto end = static_cast<std::uint64_t>(offsets[1]);
  require(end - begin == bytes, type.code, " of shape ", form.shape, " takes ", bytes,
          " bytes, data_offsets span ", end - begin);
  return {form, std::string(type.code), begin, end};
}

/// Checks that the tensors fill the data exactly.
void check_layout(const Entries& entries, std::uint64_t data_size) {
  std::vector<const Entries::value_type*> in_order;
  for (const auto& entry : entries) in_order.push_back(&entry);
  std::ranges::stable_sort(in_order, {}, [](const auto* entry) {
    return std::pair(entry->second.begin, entry->second.end);
  });
  std::uint64_t filled = 0;
  for (const auto* each : in_order) {
    const std::string title = title_of(each->first);
    const SafeTensorsFile::Entry& entry = each->second;
    require(entry.end <= data_size, "truncated: ", title, " ends at byte ", entry.end,
            " of the data, the file has ", data_size);
    require(entry.begin <= filled, "a hole in the data: bytes ", filled, " to ", entry.begin,
            ", before ", title, ", belong to no tensor");
    require(entry.begin >= filled, title, " overlaps the tensor before it: it begins at byte ",
            entry.begin, " of the data, the other ends at ", filled);
    filled = entry.end;
  }
  require(filled == data_size, "trailing bytes: the tensors end at byte ", filled,
          " of the data, the file has ", data_size);
}

// ---- Writing ------------------------------------------------------------------------------------

using Item = std::pair<const std::string, Tensor>;

/// Wide elements first, then by name, so that every tensor begins at a multiple of its element
/// size.
std::vector<const Item*> in_file_order(const SafeTensors& content) {
  std::vector<const Item*> items;
  for (const Item& item : content.tensors) {
    require(item.first != metadata_key, "no tensor may have the name ", metadata_key);
    require(item.second.defined(), title_of(item.first), " is empty");
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
    fail("cannot write text that is not UTF-8: ", printable_line(text));
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
    entry["dtype"] = element_type(tensor.dtype()).code;
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

bool SafeTensorsFile::Entry::widened() const { return type != element_type(form.dtype).code; }

SafeTensorsFile::SafeTensorsFile(const std::filesystem::path& path)
    : path_(path), file_(std::make_unique<const RegularFile>(path)) {
  about(path.string(), [&] {
    const std::string text = read_header(*file_);
    const Json header = parse_header(text);
    for (const auto& [key, json] : header.items()) {
      if (key == metadata_key)
        metadata_ = read_metadata(json);
      else
        entries_.emplace(key, about(title_of(key), [&entry = json] { return read_entry(entry); }));
    }
    data_ = length_bytes + text.size();
    check_layout(entries_, file_->size() - data_);
    if (const auto stored = metadata_.extract(checksum_key)) checksum_ = stored.mapped();
  });
}

SafeTensorsFile::~SafeTensorsFile() = default;

SafeTensors SafeTensorsFile::read() const {
  SafeTensors result{{}, metadata_};
  Checksum sum(metadata_);
  std::string bytes;
  for (const auto& [name, entry] : entries_) {
    bytes.resize(entry.end - entry.begin);
    file_->read(data_ + entry.begin, bytes);
    sum.add(name, entry.type, entry.form.shape, bytes);
    result.tensors.emplace(name, about(path_.string() + ": " + title_of(name), [&, &e = entry] {
                             return tensor_of(element_type(e.type), e.form.shape, bytes);
                           }));
  }
  require(!checksum_ || *checksum_ == sum.text(), path_.string(),
          ": damaged: the stored checksum is ", printable_line(checksum_.value_or("")),
          ", that of the content is ", sum.text());
  return result;
}

SafeTensors read_safetensors(const std::filesystem::path& path) {
  return SafeTensorsFile(path).read();
}

SafeTensors with_checksum(SafeTensors content) {
  Checksum sum(content.metadata);
  for (const auto& [name, x] : content.tensors)
    if (x.defined())  // writing reports an empty tensor
      sum.add(name, element_type(x.dtype()).code, x.shape(), bytes_of(x));
  content.metadata[checksum_key] = sum.text();
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
