// The folder of a model: its files, how they are written, and how they are read.
#pragma once

#include "nn/saving/safetensors.h"
#include "nn/translation/model.h"

namespace adjoint::nn {

/// Writes a folder with all that load_model() needs. It is complete when it gets its name, and
/// takes the place of a folder that save_model() wrote before, whose permissions it keeps: a
/// program that is killed leaves the former one. Error, naming the folder, if it cannot be written,
/// or holds a file that would be lost.
void save_model(const TranslationModel& model, const std::filesystem::path& folder);

/// Reads what save_model() wrote, or `seq2seq train`. Error, in one line that names the file, if
/// one is missing, is not a regular file, or does not belong to the others. The folder may come
/// from a stranger, so nothing in it is trusted: what the settings ask for is compared with the
/// weights before it takes memory, and no setting names a file. If another program puts a new
/// folder in its place meanwhile, that one is read.
TranslationModel load_model(const std::filesystem::path& folder);

// ---- The parts, for programs that keep more in the folder ---------------------------------------

constexpr auto weights_file = "weights.safetensors";
constexpr auto settings_file = "settings.toml";
/// The entry of the weights' metadata that holds the text of the settings.
constexpr auto settings_key = "settings";
constexpr auto source_file = "source.vocabulary";
constexpr auto target_file = "target.vocabulary";
constexpr auto subwords_file = "subwords.model";

/// Writes the vocabularies, and the model of the subwords if there is one.
void save_vocabularies(const TranslationModel& model, const std::filesystem::path& folder);

/// The metadata of the weights in this folder: the settings, and the digest of each of the files
/// that save_vocabularies() wrote.
Metadata weights_metadata(const TranslationConfig& config, const std::filesystem::path& folder);

/// The settings of a model. Error, naming the file, if there are none, or others than
/// TranslationConfig::from_text() accepts.
TranslationConfig load_config(const std::filesystem::path& folder);

/// As load_model(), with these weights and settings instead of those of the folder. It does not
/// notice when another folder comes in its place.
TranslationModel read_model(const std::filesystem::path& folder,
                            const std::filesystem::path& weights, const TranslationConfig& config);

/// The CRC-32, in hexadecimal, of the bytes of a subword model, or of the lines of any other file,
/// each ended by LF.
std::string digest(const std::filesystem::path& file);

/// Error if the weights name another digest of this file.
void require_digest(const SafeTensorsFile& weights, const std::filesystem::path& file);

}  // namespace adjoint::nn
