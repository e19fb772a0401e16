// The kernels of one instruction set; compiled once for each.
#include "kernels.h"

#include "isa.h"
#include "weights.h"

namespace elman::ELMAN_TARGET {
namespace {

// Calls body.operator()<C>() with the cell's type.
template <class Body>
auto with_cell(Cell cell, Body&& body) {
  switch (cell) {
    case Cell::lstm: return body.template operator()<Lstm>();
    case Cell::gru: return body.template operator()<Gru>();
    case Cell::gru_reset_before: return body.template operator()<GruResetBefore>();
    case Cell::simple_rnn: break;
  }
  return body.template operator()<SimpleRnn>();
}

template <class S, class Body>
void with_activations(const Layer<S>& layer, Body&& body) {
  const bool usual =
      layer.activation == Activation::tanh &&
      (layer.cell == Cell::simple_rnn || layer.recurrent_activation == Activation::sigmoid);
  usual ? body(UsualPair<S>(layer)) : body(AnyPair<S>(layer));
}

template <class S>
Index saved_width(const Layer<S>& layer) {
  return with_cell(layer.cell, [&]<class C>() { return Sizes<S, C>(layer).saved; });
}

template <class S>
std::size_t packed_bytes(const Layer<S>& layer, Packing packing) {
  return with_cell(layer.cell, [&]<class C>() {
    Pieces pieces(nullptr);
    PackedWeights<S, C>(layer, packing, pieces);
    return pieces.used();
  });
}

template <class S>
void pack_all(const Layer<S>& layer, Packing packing, char* packed) {
  with_cell(layer.cell, [&]<class C>() { pack<S, C>(layer, packing, packed); });
}

template <class S>
std::size_t forward_bytes(const Layer<S>& layer, const Share& share) {
  return with_cell(layer.cell,
                   [&]<class C>() { return Forward<S, C>(layer, share, Pieces(nullptr)).used; });
}

template <class S>
void forward(const Layer<S>& layer, char* packed, const Share& share, char* scratch) {
  const DenormalsOff off;
  with_cell(layer.cell, [&]<class C>() {
    Pieces pieces(packed);
    const PackedWeights<S, C> weights(layer, Packing{true, false}, pieces);
    Forward<S, C> work(layer, share, Pieces(scratch));
    with_activations(layer, [&](const auto& pair) { work.run(pair, weights); });
  });
}

template <class S>
Index da_size(const Layer<S>& layer) {
  return with_cell(layer.cell,
                   [&]<class C>() { return layer.T * layer.B * Sizes<S, C>(layer).da; });
}

template <class S>
std::size_t backward_bytes(const Layer<S>& layer, const Share& share) {
  return with_cell(layer.cell, [&]<class C>() {
    return Backward<S, C>(layer, {}, nullptr, share, Pieces(nullptr)).used;
  });
}

template <class S>
void backward(const Layer<S>& layer, const Gradients<S>& gradients, char* packed, S* da,
              const Share& share, char* scratch) {
  const DenormalsOff off;
  with_cell(layer.cell, [&]<class C>() {
    Pieces pieces(packed);
    const PackedWeights<S, C> weights(layer, Packing{false, true}, pieces);
    Backward<S, C> work(layer, gradients, da, share, Pieces(scratch));
    with_activations(layer, [&](const auto& pair) { work.run(pair, weights); });
  });
}

template <class S>
Index most_shares(const Layer<S>& layer) {
  return with_cell(layer.cell, [&]<class C>() {
    const Index panels = column_panels<S, C>(layer), rows = layer.I + layer.H;
    return panels > rows ? panels : rows;
  });
}

template <class S>
std::size_t weights_bytes(const Layer<S>& layer, Index shares) {
  return with_cell(layer.cell, [&]<class C>() {
    // The last share has the most columns.
    return Weights<S, C>(layer, {}, nullptr, shares - 1, shares, Pieces(nullptr)).used;
  });
}

template <class S>
void weights(const Layer<S>& layer, const Gradients<S>& gradients, const S* da, Index share,
             Index shares, char* scratch) {
  const DenormalsOff off;
  with_cell(layer.cell, [&]<class C>() {
    Weights<S, C>(layer, gradients, da, share, shares, Pieces(scratch)).run();
  });
}

// Lane by lane, for tests of the functions.
template <class S>
void apply(Activation activation, const S* x, S* y, Index count) {
  for (Index i = 0; i < count; i += lanes<S>) {
    const Index valid = least(lanes<S>, count - i);
    store_part(y + i, activate<S>(activation, load_part(x + i, valid)), valid);
  }
}

template <class S>
double multiply_adds(Index rounds) {
  volatile S one = 1, zero = 0;
  const Vec<S> x = broadcast(S(one)), y = broadcast(S(zero));
  Vec<S> sums[tile_sums];
  for (int n = 0; n < tile_sums; ++n) sums[n] = broadcast(S(n) * one);  // no two alike
  for (Index round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
    for (int n = 0; n < tile_sums; ++n) sums[n] = sums[n] * x + y;
  }
  for (int n = 0; n < tile_sums; ++n) zero = zero + sums[n][0];
  return 2. * static_cast<double>(rounds * tile_sums * lanes<S>);
}

template <class S>
constexpr Kernels<S> table{panel_vectors * lanes<S>,
                           saved_width<S>,
                           packed_bytes<S>,
                           pack_all<S>,
                           forward_bytes<S>,
                           forward<S>,
                           da_size<S>,
                           backward_bytes<S>,
                           backward<S>,
                           most_shares<S>,
                           weights_bytes<S>,
                           weights<S>,
                           apply<S>,
                           multiply_adds<S>};

}  // namespace

const Kernels<float>& kernels_f32() { return table<float>; }
const Kernels<double>& kernels_f64() { return table<double>; }

}  // namespace elman::ELMAN_TARGET
