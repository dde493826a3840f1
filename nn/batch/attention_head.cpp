#include "nn/batch/attention_head.h"

#include <charconv>

#include "autograd/support/error.h"

namespace adjoint::nn {

std::string AttentionHead::name() const {
  return head == none ? layer : text_from(layer, ':', head);
}

std::optional<AttentionHead> AttentionHead::from_name(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  AttentionHead result{std::string(text.substr(0, colon)), 0};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, result.head);
  if (error != std::errc() || stop != end || result.head < 0) return std::nullopt;
  return result;
}

}  // namespace adjoint::nn
