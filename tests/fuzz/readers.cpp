// The readers of a model's and of a run's files.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "autograd/ops.h"
#include "autograd/support/files.h"
#include "data/pairs/parallel_corpus.h"
#include "data/text/subwords.h"
#include "data/text/vocabulary.h"
#include "data/text/word_vectors.h"
#include "examples/seq2seq/settings/settings.h"
#include "nn/saving/checkpoint.h"
#include "tests/autograd/support.h"
#include "tests/fuzz/harness.h"

namespace adjoint::fuzz {

using testing::same_bits;

void safetensors(Bytes input) {
  nn::SafeTensors first;
  if (!accepted([&] { first = nn::read_safetensors(file_with(input)); })) return;
  nn::write_safetensors(second_file(), first);
  const nn::SafeTensors second = nn::read_safetensors(second_file());
  promise(first.metadata == second.metadata, "metadata is read back");
  promise(std::ranges::equal(first.tensors, second.tensors,
                             [](const auto& a, const auto& b) {
                               return a.first == b.first && same_bits(a.second, b.second);
                             }),
          "tensors are read back");
}

namespace {

// A run with one item of each kind in its state.
struct Run {
  Tensor weights = tensor({{1, 2}, {3, 4}});
  Index updates = 7;
  double loss = 0.5;
  void state(nn::State& visit) {
    visit.fixed("optimizer", "adam").fixed("rate", 0.25);
    visit("weights", weights)("updates", updates)("loss", loss);
  }
};

bool same(const Run& a, const Run& b) {
  return same_bits(a.weights, b.weights) && a.updates == b.updates &&
         std::memcmp(&a.loss, &b.loss, sizeof a.loss) == 0;
}

}  // namespace

void training_state(Bytes input) {
  Run run;
  if (!accepted([&] { nn::load_state(run, file_with(input)); })) {
    promise(same(run, Run()), "after an Error nothing is changed");
    return;
  }
  Run again;
  nn::save_state(run, second_file());
  nn::load_state(again, second_file());
  promise(same(run, again), "a state is read back");
}

void pairs(Bytes input) {
  Choices choices(input);
  const auto tokenizer = data::Tokenizer::from_name(choices.coin() ? "characters" : "words");
  data::ReadOptions options;
  options.max_tokens = choices.between(0, 8);
  options.too_long = choices.coin() ? data::TooLong::skip : data::TooLong::error;
  data::Corpus corpus;
  if (!accepted([&] { corpus = data::read_corpus(file_with(choices.rest()), tokenizer, options); }))
    return;
  promise(!corpus.pairs.empty(), "a corpus has pairs");
  std::string text;
  for (const data::Pair& pair : corpus.pairs) {
    for (const data::Tokens& side : {pair.source, pair.target}) {
      promise(!side.empty(), "a side has tokens");
      promise(options.max_tokens == 0 || std::ssize(side) <= options.max_tokens,
              "no side is over the limit");
    }
    text += tokenizer.detokenize(pair.source) + '\t' + tokenizer.detokenize(pair.target) + '\n';
  }
  const data::Corpus again = data::read_corpus(file_with(text), tokenizer, options);
  promise(again.pairs == corpus.pairs, "pairs are read back");
}

void vocabulary(Bytes input) {
  data::Vocabulary first;
  if (!accepted([&] { first = data::Vocabulary::load(file_with(input)); })) return;
  first.save(second_file());
  promise(data::Vocabulary::load(second_file()) == first, "a vocabulary is read back");
  for (data::Vocabulary::Id id = 0; id < first.size(); ++id) {
    const std::string& token = first.token(id);
    promise(id < 4 ? first.id(token) == data::Vocabulary::unk : first.id(token) == id,
            "a token has its id, and text never becomes a reserved one");
  }
}

void word_vectors(Bytes input) {
  Choices choices(input);
  const auto tokenizer = data::Tokenizer::from_name(choices.coin() ? "blanks" : "words");
  const auto width = choices.between(1, 3);
  const data::Vocabulary vocabulary(std::vector<data::Tokens>{{"the", "cat", "paris", "é"}});
  data::WordVectors vectors;
  if (!accepted([&] {
        vectors = data::read_word_vectors(file_with(choices.rest()), vocabulary, tokenizer, width);
      }))
    return;
  promise(std::ssize(vectors.values) == std::ssize(vectors.ids) * width,
          "each word has its vector");
  promise(std::ranges::all_of(vectors.values, [](float x) { return std::isfinite(x); }),
          "numbers are finite");
  promise(
      std::ranges::all_of(vectors.ids, [&](auto id) { return id > 3 && id < vocabulary.size(); }),
      "no reserved symbol has a vector");
}

// What the program accepts, the library accepts too, and understands in the same way.
void settings(Bytes input) {
  seq2seq::Settings first;
  accepted(
      [&] { seq2seq::difference(std::string(text_of(input)), first); });  // as weights keep them
  nn::TranslationConfig config;
  const bool known = accepted([&] {
    config = nn::TranslationConfig::from_text(text_of(input));
    promise(nn::TranslationConfig::from_text(config.to_text()).to_text() == config.to_text(),
            "the settings of a model are read back");
  });
  if (!accepted([&] { first = seq2seq::Settings::read(file_with(input)); })) return;
  promise(known && config.to_text() == first.config().to_text(), "one file, one model");
  const auto again = seq2seq::Settings::read(file_with(first.to_text()));
  promise(again.to_text() == first.to_text(), "settings are read back");
}

void subwords(Bytes input) {
  if (!data::Subwords::available()) return;
  data::Subwords model;
  if (!accepted([&] { model = data::Subwords::load(file_with(input)); })) return;
  model.save(second_file());
  promise(data::Subwords::load(second_file()) == model, "a model is read back");
  accepted([&] { model.join(model.cut("A sentence, 1 2 3, \u00E9\u4E2D.")); });
  accepted([&] { model.pieces(); });
}

}  // namespace adjoint::fuzz
