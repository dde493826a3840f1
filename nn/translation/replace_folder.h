// One folder takes the place of another.
#pragma once

#include <filesystem>

namespace adjoint::nn {

/// Gives the new folder the name of the former one, if there is one, which then has the new one's
/// name or is gone. In one step where the system can: both names exist at every moment. Throws
/// std::filesystem::filesystem_error.
void exchange_folders(const std::filesystem::path& fresh, const std::filesystem::path& former);

/// Gives the files of a new folder, and the folder, the permissions of those that they replace.
void keep_permissions(const std::filesystem::path& fresh, const std::filesystem::path& former);

/// Does both, and removes the former folder.
void replace_folder(const std::filesystem::path& fresh, const std::filesystem::path& former);

}  // namespace adjoint::nn
