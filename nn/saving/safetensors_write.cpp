#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "autograd/support/files.h"
#include "nn/saving/safetensors_format.h"

namespace adjoint::nn {
namespace {

using namespace safetensors;
using Json = nlohmann::ordered_json;
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

/// Text as it may stand in JSON. Error unless it is UTF-8.
const std::string& utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return text;
  } catch (const Json::type_error&) {
    fail("cannot write text that is not UTF-8: ", shown(text));
  }
}

std::string make_header(const std::vector<const Item*>& items, const Metadata& metadata) {
  Json json = Json::object();
  for (const auto& [key, text] : metadata) json[metadata_key][utf8(key)] = utf8(text);
  std::uint64_t begin = 0;
  for (const Item* item : items) {
    const auto& [name, tensor] = *item;
    const std::uint64_t end = begin + bytes_of(tensor).size();
    Json& entry = json[utf8(name)];
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
