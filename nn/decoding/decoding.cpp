#include "nn/decoding/decoding.h"

namespace adjoint::nn {
namespace {

// Remembers the tokens and nothing else.
class UncachedDecoding : public Decoding {
 public:
  UncachedDecoding(const EncoderDecoder& model, const Sequences& source, Index capacity)
      : model_(model), capacity_(capacity) {
    const Index* const ids = source.ids.values<Index>().data();
    const Layout& layout = source.layout;
    for (Index i = 0; i < layout.examples(); ++i)
      sources_.emplace_back(ids + layout.begin(i), ids + layout.begin(i) + layout.length(i));
    targets_.resize(sources_.size());
  }

  Tensor step(const Tensor& ids) override {
    const NoRecording guard;
    const std::span<const Index> next = ids.values<Index>();
    require(next.size() == targets_.size(), "decoding: ", next.size(), " tokens for ",
            targets_.size(), " sequences");
    require(steps_ < capacity_, "decoding: step ", steps_, " of a cache for ", capacity_);
    for (std::size_t i = 0; i < next.size(); ++i) targets_[i].push_back(next[i]);
    ++steps_;
    const Tensor all = model_.logits(Sequences::padded(sources_, 0), Sequences::padded(targets_, 0),
                                     Context::inference());  // [batch, steps, tokens]
    const Tensor last = slice(all, 1, steps_ - 1, steps_);   // [batch, 1, tokens]
    return reshape(last, {all.size(0), all.size(2)});        // [batch, tokens]
  }

  void select(std::span<const Index> rows) override {
    const auto selected = [&](const std::vector<Ids>& sequences) {
      std::vector<Ids> result;
      for (const Index row : rows) {
        require(row >= 0 && row < std::ssize(sequences), "decoding: row ", row, " of a batch of ",
                sequences.size());
        result.push_back(sequences[static_cast<std::size_t>(row)]);
      }
      return result;
    };
    sources_ = selected(sources_);
    targets_ = selected(targets_);
  }

 private:
  const EncoderDecoder& model_;
  Index capacity_, steps_ = 0;
  std::vector<Ids> sources_, targets_;  // the targets begin with the begin symbol
};

}  // namespace

void DecodingOptions::check(std::size_t sources) const {
  require(max_length >= 0, "decoding: max_length must not be negative, is ", max_length);
  require(min_length >= 0 && min_length <= max_length,
          "decoding: min_length must be between 0 and max_length = ", max_length, ", is ",
          min_length);
  require(prefixes.empty() || prefixes.size() == sources, "decoding: ", prefixes.size(),
          " prefixes for ", sources, " sources; give one for each source, or none");
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    require(std::ssize(prefixes[i]) <= max_length, "decoding: the prefix of source ", i, " has ",
            prefixes[i].size(), " tokens, max_length is ", max_length);
    for (const Index id : prefixes[i])
      require(id >= 0 && id != end, "decoding: the prefix of source ", i, " contains ", id,
              id == end ? ", the end" : ", which is not a token");
  }
}

void DecodingOptions::check_vocabulary(Index tokens) const {
  require(end < tokens, "decoding: the end is token ", end, ", the model has ", tokens, " tokens");
  for (std::size_t i = 0; i < prefixes.size(); ++i)
    for (const Index id : prefixes[i])
      require(id < tokens, "decoding: the prefix of source ", i, " contains ", id,
              ", the model has ", tokens, " tokens");
}

std::unique_ptr<Decoding> WithoutCache::decode(const Sequences& source, Index capacity) const {
  return std::make_unique<UncachedDecoding>(model_, source, capacity);
}

}  // namespace adjoint::nn
