#include "nn/decoding.h"

#include <algorithm>
#include <functional>

#include "autograd/kernels/parallel.h"

namespace adjoint::nn {
namespace {

// The choice of tokens, whoever computes the logits: `next_logits` maps the targets so far, each
// beginning with options.begin, to [batch, tokens].
template <class NextLogits>
std::vector<Ids> choose_likeliest(std::size_t batch, const DecodingOptions& options,
                                  const NextLogits& next_logits) {
  std::vector<Ids> targets(batch, Ids{options.begin});
  std::vector<bool> finished(batch, false);
  for (Index step = 0; step < options.max_length; ++step) {
    if (std::ranges::all_of(finished, std::identity())) break;
    const Tensor chosen = argmax(next_logits(targets));  // [batch]
    for (std::size_t i = 0; i < batch; ++i) {
      const Index id = chosen.values<Index>()[i];
      finished[i] = finished[i] || id == options.end;
      targets[i].push_back(finished[i] ? options.end : id);
    }
  }
  for (Ids& target : targets) {
    target.erase(target.begin());
    target.erase(std::ranges::find(target, options.end), target.end());
  }
  return targets;
}

// Sequences for one thread: so many that the products are worth their while. Fixed, so that the
// number of threads changes nothing; each part also ends when its own sequences do.
constexpr Index part_size = 32;

std::vector<Ids> greedy_part(const EncoderDecoder& model, std::span<const Ids> sources,
                             const DecodingOptions& options) {
  const NoRecording guard;
  const auto decoding =
      model.decode(Sequences::padded(sources, options.padding), options.max_length);
  return choose_likeliest(sources.size(), options, [&](const std::vector<Ids>& targets) {
    Ids last;
    for (const Ids& target : targets) last.push_back(target.back());
    return decoding->step(from(last, {static_cast<Index>(last.size())}));
  });
}

}  // namespace

std::vector<Ids> greedy(const EncoderDecoder& model, std::span<const Ids> sources,
                        const DecodingOptions& options) {
  std::vector<Ids> targets(sources.size());
  parallel_for(static_cast<Index>(sources.size()), part_size, [&](Index begin, Index end) {
    const auto part =
        sources.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    std::ranges::move(greedy_part(model, part, options), targets.begin() + begin);
  });
  return targets;
}

std::vector<Ids> greedy_without_cache(const EncoderDecoder& model, std::span<const Ids> sources,
                                      const DecodingOptions& options) {
  if (sources.empty()) return {};
  const NoRecording guard;
  const Sequences source = Sequences::padded(sources, options.padding);
  return choose_likeliest(sources.size(), options, [&](const std::vector<Ids>& targets) {
    const Sequences target = Sequences::padded(targets, options.padding);
    const Tensor all =
        model.logits(source, target, Context::inference());  // [batch, steps, tokens]
    const Tensor last = slice(all, 1, -1, all.size(1));      // [batch, 1, tokens]
    return reshape(last, {all.size(0), all.size(2)});        // [batch, tokens]
  });
}

}  // namespace adjoint::nn
