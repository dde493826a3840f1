// What a report shows, as JSON. NaN and infinity become null when it is written.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "examples/seq2seq/report/edits.h"
#include "examples/seq2seq/report/scores.h"
#include "examples/seq2seq/run/records.h"

namespace adjoint::seq2seq {

using Json = nlohmann::ordered_json;

/// The learning curves, the samples with their differences, and the attention.
Json json_of(const Records& records);
/// The scores with their intervals, the confusions, and sentences that are not right.
Json json_of(const Scored& scored, const Frequency& frequency);

Json json_of(const Interval& interval);
Json json_of(const std::vector<Piece>& pieces);

}  // namespace adjoint::seq2seq
