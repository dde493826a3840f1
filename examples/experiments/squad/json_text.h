// JSON that someone else wrote: what is wrong with it, and where.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace adjoint::squad {

/// The value that the text holds. An Error names the path, line and column of what is not UTF-8 or
/// not JSON, and the way to a key that an object has twice. Brackets may nest 64 deep.
nlohmann::json parse_json(std::string_view text, const std::filesystem::path& path);

}  // namespace adjoint::squad
