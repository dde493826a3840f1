#include "nn/saving/checkpoint.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "autograd/support/checksum.h"
#include "autograd/support/files.h"

namespace adjoint::nn {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little,
              "safetensors are little-endian: on this machine their bytes have to be swapped");

constexpr std::size_t length_bytes = 8;  // of the number before the header
constexpr std::uint64_t max_header = 100'000'000;
constexpr auto metadata_key = "__metadata__";
constexpr auto checksum_key = "adjoint.crc32";

/// Every complaint about a file begins with its name.
struct File {
  const fs::path& path;

  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    adjoint::require(condition, path.string(), ": ", parts...);
  }
};

constexpr const char* code_of(DType dtype) {
  constexpr const char* codes[] = {"F32", "F64", "I64", "BOOL"};
  return codes[static_cast<int>(dtype)];
}

std::string join(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

/// The bytes of a tensor's elements, where they lie.
std::string_view bytes_of(const Tensor& x) {
  return dispatch(x.dtype(), [&]<class T>() {
    const std::span<const T> values = x.values<T>();
    return std::string_view(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  });
}

/// Of everything but a checksum: see the header.
std::string checksum_of(const SafeTensors& content) {
  const std::string end(1, '\0');
  std::uint32_t sum = 0;
  for (const auto& [key, text] : content.metadata)
    if (key != checksum_key) sum = crc32(key + end + text + end, sum);
  for (const auto& [name, x] : content.tensors) {
    if (!x.defined()) continue;  // it cannot be written anyway
    std::vector<std::string> sizes;
    for (const Index size : x.shape().sizes()) sizes.push_back(std::to_string(size));
    sum = crc32(name + end + code_of(x.dtype()) + end + join(sizes, ",") + end, sum);
    sum = crc32(bytes_of(x), sum);
  }
  char text[9];
  std::snprintf(text, sizeof text, "%08x", sum);
  return text;
}

// ---- Reading: nothing in the file is believed before it is checked ----------------------------

/// What the header says of one tensor.
struct Entry {
  std::string name;
  Form form;
  std::uint64_t begin, end;  // in the data
};

/// The header, without the length before it.
std::string_view cut_header(const File& file, std::string_view bytes) {
  file.require(bytes.size() >= length_bytes, "truncated: a safetensors file has at least ",
               length_bytes, " bytes, this has ", bytes.size());
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), length_bytes);
  file.require(length <= max_header, "not safetensors: the header would have ", length,
               " bytes, the limit is ", max_header);
  bytes.remove_prefix(length_bytes);
  file.require(length <= bytes.size(), "truncated: the header has ", length,
               " bytes, the file ends after ", bytes.size(), " of them");
  return bytes.substr(0, length);
}

/// The parser keeps the last of equal keys and says nothing, and follows brackets to any depth:
/// both are refused here, while it reads.
class Guard {
 public:
  explicit Guard(const File& file) : file_(file) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start)
      file_.require(depth <= 2, "the header nests its brackets deeper than a safetensors file");
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      file_.require(keys_.back().insert(key).second, "the header has the key ", shown(key),
                    " twice");
    }
    return true;
  }

 private:
  const File& file_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

Json parse_header(const File& file, std::string_view text) {
  // The parser would skip a byte order mark, and take a NUL for the end.
  file.require(text.starts_with('{'), "the header is not a JSON object");
  const std::size_t nul = text.find('\0');
  file.require(nul == std::string_view::npos, "the header is not JSON: byte ", nul, " is NUL");
  try {
    return Json::parse(text, Guard(file));
  } catch (const Json::parse_error& error) {
    fail(file.path.string(), ": the header is not JSON in UTF-8: it goes wrong at byte ",
         error.byte - 1);
  } catch (const Json::out_of_range&) {
    fail(file.path.string(), ": the header has a number that is out of range");
  }
}

Metadata read_metadata(const File& file, const Json& json) {
  file.require(json.is_object(), metadata_key, " is not an object");
  Metadata metadata;
  for (const auto& [key, value] : json.items()) {
    file.require(value.is_string(), metadata_key, ": ", shown(key), " is not a string");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

DType read_dtype(const File& file, const std::string& name, const Json& json) {
  file.require(json.is_string(), name, ": the dtype is not a string");
  const auto& code = json.get_ref<const std::string&>();
  for (const DType dtype : {DType::f32, DType::f64, DType::i64, DType::b8})
    if (code == code_of(dtype)) return dtype;
  fail(file.path.string(), ": ", name, ": unknown dtype ", shown(code),
       ", expected F32, F64, I64 or BOOL");
}

/// A list of whole numbers, each from 0 to the largest Index.
std::vector<Index> read_numbers(const File& file, const std::string& name, const char* field,
                                const Json& json) {
  file.require(json.is_array(), name, ": ", field, " is not a list");
  std::vector<Index> numbers;
  for (const Json& number : json) {
    // Negative numbers are of another type, fractions and numbers beyond 64 bits of a third.
    file.require(number.is_number_unsigned() && std::in_range<Index>(number.get<std::uint64_t>()),
                 name, ": ", field,
                 " has an element that is not a whole number from 0 to 2^63 - 1");
    numbers.push_back(number.get<Index>());
  }
  return numbers;
}

/// The shape with these sizes, if a tensor can have it.
Shape shape_of(const File& file, const std::string& name, const std::vector<Index>& sizes) {
  try {
    return Shape(sizes);
  } catch (const Error& error) {
    file.require(false, name, ": ", error.what());
    throw;
  }
}

Entry read_entry(const File& file, const std::string& key, const Json& json) {
  const std::string name = "tensor " + shown(key);
  file.require(json.is_object() && json.size() == 3 && json.contains("dtype") &&
                   json.contains("shape") && json.contains("data_offsets"),
               name, ": expected an object of dtype, shape and data_offsets");

  const DType dtype = read_dtype(file, name, json["dtype"]);
  const std::vector<Index> sizes = read_numbers(file, name, "shape", json["shape"]);
  const Form form = {shape_of(file, name, sizes), dtype};
  const auto bytes = static_cast<std::uint64_t>(form.shape.numel()) * size_of(form.dtype);

  const std::vector<Index> offsets = read_numbers(file, name, "data_offsets", json["data_offsets"]);
  file.require(offsets.size() == 2 && offsets[0] <= offsets[1], name,
               ": data_offsets are not a beginning and an end");
  const auto begin = static_cast<std::uint64_t>(offsets[0]);
  const auto end = static_cast<std::uint64_t>(offsets[1]);
  file.require(end - begin == bytes, name, ": ", code_of(dtype), " of shape ", form.shape, " is ",
               bytes, " bytes, data_offsets say ", end - begin);
  return {key, form, begin, end};
}

/// Sorts the entries by their place and checks that they fill the data exactly.
void check_layout(const File& file, std::vector<Entry>& entries, std::uint64_t data_size) {
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::tie(e.begin, e.end, e.name); });
  std::uint64_t filled = 0;
  for (const Entry& entry : entries) {
    const std::string name = "tensor " + shown(entry.name);
    file.require(entry.end <= data_size, "truncated: ", name, " ends at byte ", entry.end,
                 " of the data, the file has ", data_size);
    file.require(entry.begin <= filled, "a hole in the data: bytes ", filled, " to ", entry.begin,
                 ", before ", name, ", belong to no tensor");
    file.require(entry.begin >= filled, name, " overlaps the tensor before: it begins at byte ",
                 entry.begin, " of the data, that one ends at ", filled);
    filled = entry.end;
  }
  file.require(filled == data_size, "trailing bytes: the tensors end at byte ", filled,
               " of the data, the file has ", data_size);
}

Tensor read_tensor(const File& file, const Entry& entry, std::string_view data) {
  const std::string_view bytes = data.substr(entry.begin, entry.end - entry.begin);
  if (entry.form.dtype == DType::b8)
    file.require(std::ranges::all_of(bytes, [](char byte) { return byte == 0 || byte == 1; }),
                 "tensor ", shown(entry.name), ": a byte of a BOOL tensor is neither 0 nor 1");
  Tensor result(entry.form);
  dispatch(entry.form.dtype,
           [&]<class T>() { std::memcpy(result.edit<T>().data(), bytes.data(), bytes.size()); });
  return result;
}

/// Takes the checksum, if there is one, out of the metadata.
void verify_checksum(const File& file, SafeTensors& content) {
  const auto stored = content.metadata.extract(checksum_key);
  if (stored.empty()) return;
  const std::string actual = checksum_of(content);
  file.require(stored.mapped() == actual, "damaged: its checksum is ", shown(stored.mapped()),
               ", that of what it holds ", actual);
}

// ---- Writing ----------------------------------------------------------------------------------

using Item = std::pair<const std::string, Tensor>;

/// Wide elements first, then by name: so every tensor begins at a multiple of its element's size.
std::vector<const Item*> in_order_of_place(const File& file,
                                           const std::map<std::string, Tensor>& tensors) {
  std::vector<const Item*> items;
  for (const Item& item : tensors) {
    file.require(item.first != metadata_key, "no tensor may have the name ", metadata_key);
    file.require(item.second.defined(), "tensor ", shown(item.first), " is empty");
    items.push_back(&item);
  }
  std::ranges::stable_sort(items, std::greater<>(),
                           [](const Item* item) { return size_of(item->second.dtype()); });
  return items;
}

std::string make_header(const File& file, const std::vector<const Item*>& items,
                        const Metadata& metadata) {
  const auto string = [&](const std::string& text) {
    try {
      return Json(text).dump();
    } catch (const Json::type_error&) {
      fail(file.path.string(), ": cannot write what is not UTF-8: ", shown(text));
    }
  };
  std::vector<std::string> texts;
  for (const auto& [key, value] : metadata) texts.push_back(string(key) + ":" + string(value));

  std::vector<std::string> fields;
  if (!texts.empty()) fields.push_back(string(metadata_key) + ":{" + join(texts, ",") + "}");
  std::uint64_t begin = 0;
  for (const Item* item : items) {
    const auto& [name, tensor] = *item;
    const std::uint64_t end = begin + bytes_of(tensor).size();
    nlohmann::ordered_json entry;
    entry["dtype"] = code_of(tensor.dtype());
    entry["shape"] = tensor.shape().sizes();
    entry["data_offsets"] = {begin, end};
    fields.push_back(string(name) + ":" + entry.dump());
    begin = end;
  }

  std::string header = "{";
  header += join(fields, ",") + "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // so that the data begins at a multiple of 8
  file.require(header.size() <= max_header, "the header would have ", header.size(),
               " bytes, the limit is ", max_header);
  return header;
}

// ---- Comparing a file with a module -----------------------------------------------------------

/// The first few of many, and how many more there are.
std::string some_of(std::vector<std::string> texts, const char* separator) {
  constexpr std::size_t most = 5;
  if (texts.size() > most) {
    const std::string more = "and " + std::to_string(texts.size() - most) + " more";
    texts.resize(most);
    texts.push_back(more);
  }
  return join(texts, separator);
}

/// In what the file is not the module's: empty when there is nothing.
std::string differences(const std::map<std::string, Tensor>& file,
                        const std::vector<NamedTensor>& module) {
  std::vector<std::string> missing, unexpected, unequal;
  std::set<std::string> names;
  bool other_dtype = false;
  for (const auto& [name, parameter] : module) {
    names.insert(name);
    const auto found = file.find(name);
    if (found == file.end()) {
      missing.push_back(name);
      continue;
    }
    const Form stored = found->second.form();
    const Form own = parameter.form();
    if (stored == own) continue;
    std::ostringstream text;
    if (stored.dtype == own.dtype) {
      text << name << " is " << stored.shape << ", the model has " << own.shape;
    } else {
      text << name << " is " << stored.dtype << " " << stored.shape << ", the model has "
           << own.dtype << " " << own.shape;
      other_dtype = true;
    }
    unequal.push_back(text.str());
  }
  for (const auto& [name, tensor] : file)
    if (!names.contains(name)) unexpected.push_back(shown(name));

  std::vector<std::string> all;
  if (!missing.empty()) all.push_back("missing " + some_of(missing, ", "));
  if (!unexpected.empty()) all.push_back("unexpected " + some_of(unexpected, ", "));
  if (!unequal.empty()) all.push_back(some_of(unequal, "; "));
  if (other_dtype) all.push_back("load it into a model of its own dtype and cast that");
  return join(all, "; ");
}

}  // namespace

std::string shown(const std::string& text) {
  constexpr std::size_t longest = 100;
  const std::string quoted = Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
  const std::string inside = quoted.substr(1, quoted.size() - 2);
  return inside.size() <= longest ? inside : inside.substr(0, longest) + "...";
}

SafeTensors read_safetensors(const fs::path& path) {
  const File file{path};
  const std::string bytes = read_file(path);
  const std::string_view text = cut_header(file, bytes);
  const std::string_view data = std::string_view(bytes).substr(length_bytes + text.size());
  const Json header = parse_header(file, text);

  SafeTensors result;
  std::vector<Entry> entries;
  for (const auto& [key, json] : header.items()) {
    if (key == metadata_key)
      result.metadata = read_metadata(file, json);
    else
      entries.push_back(read_entry(file, key, json));
  }
  check_layout(file, entries, data.size());
  for (const Entry& entry : entries)
    result.tensors.emplace(entry.name, read_tensor(file, entry, data));
  verify_checksum(file, result);
  return result;
}

void write_safetensors(const fs::path& path, const SafeTensors& content) {
  const File file{path};
  const std::vector<const Item*> items = in_order_of_place(file, content.tensors);
  const std::string header = make_header(file, items, content.metadata);
  const std::uint64_t length = header.size();
  std::vector<std::string_view> pieces = {{reinterpret_cast<const char*>(&length), length_bytes},
                                          header};
  for (const Item* item : items) pieces.push_back(bytes_of(item->second));
  write_file(path, pieces);
}

SafeTensors with_checksum(SafeTensors content) {
  content.metadata[checksum_key] = checksum_of(content);
  return content;
}

void save_parameters(const Module& module, const fs::path& path, const Metadata& metadata) {
  SafeTensors content{{}, metadata};
  for (const auto& [name, parameter] : named_parameters(module))
    require(content.tensors.emplace(name, detach(parameter)).second,
            "save_parameters: two parameters have the name ", name);
  write_safetensors(path, with_checksum(std::move(content)));
}

void load_parameters(Module& module, const fs::path& path) {
  const SafeTensors content = read_safetensors(path);
  std::vector<NamedTensor> own = named_parameters(module);
  const std::string wrong = differences(content.tensors, own);
  require(wrong.empty(), path.string(), ": checkpoint of another model: ", wrong);

  for (auto& [name, parameter] : own)
    dispatch(parameter.dtype(), [&]<class T>() {
      std::ranges::copy(content.tensors.at(name).values<T>(), parameter.edit<T>().begin());
    });
}

}  // namespace adjoint::nn
