// The layout of working memory and of the packed weights of one layer.
#pragma once

#include "cells.h"
#include "kernels.h"
#include "product.h"

namespace elman::ELMAN_TARGET {

// Hands out pieces of memory, aligned to 64 bytes. Over a null base it only counts, so that one
// function describes a layout both for measuring and for use.
class Pieces {
 public:
  explicit Pieces(char* base) : base_(base) {}

  template <class T>
  T* take(Index count) {
    T* piece = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += (count * static_cast<Index>(sizeof(T)) + 63) / 64 * 64;
    return piece;
  }
  std::size_t used() const { return static_cast<std::size_t>(used_); }

 private:
  char* base_;
  Index used_ = 0;
};

// Sizes that follow from a layer's: units in whole blocks, and the widths of the rows.
template <class S, class C>
struct Sizes {
  static constexpr Index L = lanes<S>;
  explicit Sizes(const Layer<S>& layer)
      : blocks(ceil_div(layer.H, L)),
        units(blocks * L),
        saved(blocks * C::slots * L),
        da(blocks * C::d_slots * L),
        columns(gate_count(layer.cell) * layer.H) {}
  Index blocks, units, saved, da, columns;
};

template <class S, class C>
struct PackedWeights {
  static constexpr Index L = lanes<S>;
  static constexpr bool two_products = C::u_slots < C::w_slots && C::d_slots == C::w_slots;

  // Forward. `initial` is the bias as a row of `saved` starts with it.
  Packed<S> w, u, candidate;
  S* initial;
  // Backward: from da to dx and dh.
  Packed<S> w_transposed, u_transposed, candidate_transposed;

  PackedWeights(const Layer<S>& layer, Packing packing, Pieces& memory) {
    const Sizes<S, C> n(layer);
    const bool in_place = layer.B * layer.T <= max_spread_rows && layer.H % L == 0;
    const auto columns = [&](Index K, int first, int count, const S* matrix) {
      Packed<S> packed{nullptr, K, n.blocks * count, count, first, C::slots};
      if (in_place) packed.matrix = matrix;
      packed.columns = n.columns;
      packed.H = layer.H;
      packed.gate_of_slot = C::gate_of_slot;
      return packed;
    };
    const auto rows = [&](Index width, int count) {
      return Packed<S>{nullptr, n.blocks * count * L, ceil_div(width, L), 1, 0, 1};
    };
    const auto place = [&](Packed<S>& packed, Packed<S> shape) {
      packed = shape;
      packed.data = memory.take<S>(packed.size());
    };
    if (packing.forward) {
      const S* matrix = layer.recurrent_kernel;
      place(w, columns(layer.I, 0, C::w_slots, layer.kernel));
      place(u, columns(layer.H, C::u_first, C::u_slots, matrix));
      if (two_products) place(candidate, columns(layer.H, 0, 1, matrix));
      initial = memory.take<S>(n.saved);
    }
    if (packing.backward) {
      place(w_transposed, rows(layer.I, C::w_slots));
      place(u_transposed, rows(layer.H, C::u_slots));
      if (two_products) place(candidate_transposed, rows(layer.H, 1));
    }
  }
};

// The columns of `matrix`, [K, G * H], that a forward product needs.
template <class S, class C>
void pack_columns(const Packed<S>& packed, const S* matrix, Index H, Index columns) {
  constexpr Index L = lanes<S>;
  if (packed.matrix) return;
  for (Index p = 0; p < packed.panels(); ++p) {
    const Index width = packed.width(p);
    S* panel = const_cast<S*>(packed.panel(p));
    for (Index n = 0; n < width; ++n) {
      const Index v = p * packed.per_panel() + n, unit = v / packed.group * L;
      const Index valid = least(L, H - unit);
      const S* from = matrix + C::gate_of_slot[packed.first_slot + v % packed.group] * H + unit;
      for (Index k = 0; k < packed.K; ++k) {
        store(panel + (k * width + n) * L, load_part(from + k * columns, valid));
      }
    }
  }
}

// The transpose of `matrix`, [N, G * H]: its rows are the slots [first, first + count) of da.
template <class S, class C>
void pack_transposed(const Packed<S>& packed, const S* matrix, Index N, Index H, Index columns,
                     int first, int count) {
  constexpr Index L = lanes<S>;
  for (Index p = 0; p < packed.panels(); ++p) {
    const Index width = packed.width(p) * L, start = p * packed.per_panel() * L;
    S* row = const_cast<S*>(packed.panel(p));
    for (Index unit = 0; unit < H; unit += L) {
      for (int s = first; s < first + count; ++s, row += L * width) {
        const S* from = matrix + C::gate_of_slot[s] * H + unit;
        const Index valid = least(L, H - unit);
        for (Index j = 0; j < width; ++j) {
          const bool inside = start + j < N;
          for (Index lane = 0; lane < L; ++lane) {
            row[lane * width + j] =
                inside && lane < valid ? from[(start + j) * columns + lane] : S(0);
          }
        }
      }
    }
  }
}

// The bias in the slots it is added to, before the products are.
template <class S, class C>
void pack_bias(const Layer<S>& layer, const Sizes<S, C>& n, S* initial) {
  constexpr Index L = lanes<S>;
  for (Index e = 0; e < n.saved; ++e) initial[e] = 0;
  if (!layer.bias) return;
  for (Index unit = 0; unit < layer.H; ++unit) {
    S* block = initial + unit / L * C::slots * L + unit % L;
    for (int s = 0; s < C::d_slots; ++s) {
      const S* bias = layer.bias + C::gate_of_slot[s] * layer.H + unit;
      const bool input = s < C::w_slots;
      const bool recurrent = layer.cell == Cell::gru && s >= C::u_first;
      block[s * L] = (input ? bias[0] : S(0)) + (recurrent ? bias[n.columns] : S(0));
    }
  }
}

template <class S, class C>
void pack(const Layer<S>& layer, Packing packing, char* memory) {
  const Sizes<S, C> n(layer);
  Pieces pieces(memory);
  const PackedWeights<S, C> to(layer, packing, pieces);
  const S *w = layer.kernel, *u = layer.recurrent_kernel;
  const Index I = layer.I, H = layer.H;
  if (packing.forward) {
    pack_columns<S, C>(to.w, w, H, n.columns);
    pack_columns<S, C>(to.u, u, H, n.columns);
    if (to.two_products) pack_columns<S, C>(to.candidate, u, H, n.columns);
    pack_bias<S, C>(layer, n, to.initial);
  }
  if (packing.backward) {
    pack_transposed<S, C>(to.w_transposed, w, I, H, n.columns, 0, C::w_slots);
    pack_transposed<S, C>(to.u_transposed, u, H, H, n.columns, C::u_first, C::u_slots);
    if (to.two_products) {
      pack_transposed<S, C>(to.candidate_transposed, u, H, H, n.columns, 0, 1);
    }
  }
}

}  // namespace elman::ELMAN_TARGET
