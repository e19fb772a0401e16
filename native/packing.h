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
  // One for each member of a share; gives the member's.
  template <class T>
  T* take_own(const Share& share, Index count) {
    T* own = nullptr;
    for (int member = 0; member < share.members; ++member) {
      T* piece = take<T>(count);
      if (member == share.member) own = piece;
    }
    return own;
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

// The slots of a product that share a left-hand side: all of them, or each with the dropout mask of
// its gate.
struct Part {
  int first, count;  // slots
};

template <class S, class C>
struct PackedWeights {
  static constexpr Index L = lanes<S>;
  static constexpr int most_parts = 4;
  static constexpr bool two_products = C::u_slots < C::w_slots && C::d_slots == C::w_slots;

  static int w_parts(const Layer<S>& layer) { return layer.input_masks > 1 ? C::w_slots : 1; }
  static int u_parts(const Layer<S>& layer) { return layer.recurrent_masks > 1 ? C::u_slots : 1; }
  static Part w_part(const Layer<S>& layer, int i) {
    return w_parts(layer) > 1 ? Part{i, 1} : Part{0, C::w_slots};
  }
  static Part u_part(const Layer<S>& layer, int i) {
    return u_parts(layer) > 1 ? Part{C::u_first + i, 1} : Part{C::u_first, C::u_slots};
  }

  // Forward. `initial` is the bias as a row of `saved` starts with it.
  Packed<S> w[most_parts], u[most_parts], candidate;
  S* initial;
  // Backward: from da to dx and dh.
  Packed<S> w_transposed[most_parts], u_transposed[most_parts], candidate_transposed;

  PackedWeights(const Layer<S>& layer, Packing packing, Pieces& memory) {
    const Sizes<S, C> n(layer);
    const bool in_place = layer.B * layer.T <= most_rows_in_place && layer.H % L == 0;
    const auto columns = [&](Packed<S>& packed, Index K, Part part, const S* matrix) {
      packed = {nullptr, K, n.blocks * part.count, part.count, part.first, C::slots};
      if (in_place) packed.matrix = matrix;
      packed.columns = n.columns;
      packed.H = layer.H;
      packed.gate_of_slot = C::gate_of_slot;
      packed.data = memory.take<S>(packed.size());
    };
    const auto rows = [&](Packed<S>& packed, Index width, Part part) {
      packed = {nullptr, n.blocks * part.count * L, ceil_div(width, L), 1, 0, 1};
      packed.data = memory.take<S>(packed.size());
    };
    const S *kernel = layer.kernel, *recurrent = layer.recurrent_kernel;
    if (packing.forward) {
      for (int i = 0; i < w_parts(layer); ++i) columns(w[i], layer.I, w_part(layer, i), kernel);
      for (int i = 0; i < u_parts(layer); ++i) columns(u[i], layer.H, u_part(layer, i), recurrent);
      if (two_products) columns(candidate, layer.H, {0, 1}, recurrent);
      initial = memory.take<S>(n.saved);
    }
    if (packing.backward) {
      for (int i = 0; i < w_parts(layer); ++i) rows(w_transposed[i], layer.I, w_part(layer, i));
      for (int i = 0; i < u_parts(layer); ++i) rows(u_transposed[i], layer.H, u_part(layer, i));
      if (two_products) rows(candidate_transposed, layer.H, {0, 1});
    }
  }
};

// The slots of a part in a row of da, which has `blocks` blocks.
template <class S, class C>
RowLayout slots_of(Part part, Index blocks) {
  constexpr Index L = lanes<S>;
  if (part.count == C::d_slots) return {1, blocks * C::d_slots * L, 0, 1};
  return {blocks, part.count * L, C::d_slots * L, 1};
}

// The columns of `matrix`, [K, G * H], that a forward product needs; a few rows for all panels at
// a time, so that the matrix is read in the order it lies in.
template <class S, class C>
void pack_columns(const Packed<S>& packed, const S* matrix, Index H, Index columns) {
  constexpr Index L = lanes<S>, rows_at_once = 4;
  if (packed.matrix) return;
  for (Index k0 = 0; k0 < packed.K; k0 += rows_at_once) {
    const Index k1 = least(k0 + rows_at_once, packed.K);
    for (Index v = 0; v < packed.vectors; ++v) {
      const Index p = v / packed.per_panel(), unit = v / packed.group * L;
      const Index step = packed.width(p) * L, valid = least(L, H - unit);
      S* to = const_cast<S*>(packed.panel(p)) + v % packed.per_panel() * L;
      const S* from = matrix + C::gate_of_slot[packed.first_slot + v % packed.group] * H + unit;
      for (Index k = k0; k < k1; ++k) {
        store(to + k * step, load_part(from + k * columns, valid));
      }
    }
  }
}

// The transpose of `matrix`, [N, G * H]: its rows are the slots of a part of da.
template <class S, class C>
void pack_transposed(const Packed<S>& packed, const S* matrix, Index N, Index H, Index columns,
                     Part part) {
  constexpr Index L = lanes<S>;
  for (Index p = 0; p < packed.panels(); ++p) {
    const Index width = packed.width(p) * L, start = p * packed.per_panel() * L;
    S* row = const_cast<S*>(packed.panel(p));
    for (Index unit = 0; unit < H; unit += L) {
      for (int s = part.first; s < part.first + part.count; ++s, row += L * width) {
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
  using Weights = PackedWeights<S, C>;
  const int w_parts = Weights::w_parts(layer), u_parts = Weights::u_parts(layer);
  if (packing.forward) {
    for (int i = 0; i < w_parts; ++i) pack_columns<S, C>(to.w[i], w, H, n.columns);
    for (int i = 0; i < u_parts; ++i) pack_columns<S, C>(to.u[i], u, H, n.columns);
    if (to.two_products) pack_columns<S, C>(to.candidate, u, H, n.columns);
    pack_bias<S, C>(layer, n, to.initial);
  }
  if (packing.backward) {
    const auto transpose = [&](const Packed<S>& packed, const S* from, Index N, Part part) {
      pack_transposed<S, C>(packed, from, N, H, n.columns, part);
    };
    for (int i = 0; i < w_parts; ++i) {
      transpose(to.w_transposed[i], w, I, Weights::w_part(layer, i));
    }
    for (int i = 0; i < u_parts; ++i) {
      transpose(to.u_transposed[i], u, H, Weights::u_part(layer, i));
    }
    if (to.two_products) transpose(to.candidate_transposed, u, H, {0, 1});
  }
}

}  // namespace elman::ELMAN_TARGET
