// The gradients of kernel, recurrent kernel and bias: products over all steps and rows, after the
// loop through time.
//
//   dW = sum over (step, row) of x^T da,   dU = sum of (h * dropout)^T da,   db = sum of da
//
// The sum runs over steps and then rows, in chunks; a share is some columns of da and some rows
// of the gradients, so that every element is one sum in this order, however many shares.
#pragma once

#include "backward.h"

namespace elman::ELMAN_TARGET {

// Terms of the sum that are gathered at once.
constexpr Index chunk = 256;

template <class S, class C>
Index column_panels(const Layer<S>& layer) {
  return ceil_div(Sizes<S, C>(layer).blocks, panel_vectors / C::d_slots > 1 ? panel_vectors : 1);
}

template <class S, class C>
struct Weights {
  static constexpr Index L = lanes<S>;
  static constexpr Index panel_blocks = panel_vectors / C::d_slots > 1 ? panel_vectors : 1;
  using Packing_ = PackedWeights<S, C>;
  static constexpr bool two_products = Packing_::two_products;

  Weights(const Layer<S>& layer_, const Gradients<S>& gradients_, const S* da_, Index share,
          Index shares, Pieces memory)
      : layer(layer_), gradients(gradients_), n(layer_), da(da_) {
    const Index panels = column_panels<S, C>(layer);
    // Shares of columns where there are enough, else of rows.
    const Index columns = shares <= panels ? shares : 1, parts = shares / columns;
    const Index column = share % columns, part = share / columns;
    first_panel = panels * column / columns;
    last_panel = panels * (column + 1) / columns;
    w_parts = Packing_::w_parts(layer);
    u_parts = Packing_::u_parts(layer);
    terms = w_parts * layer.I + (u_parts + two_products) * layer.H;
    first_term = terms * part / parts;
    last_term = terms * (part + 1) / parts;
    // An odd number of cache lines apart, so that columns of `gathered` spread over L1.
    constexpr Index line = 64 / sizeof(S);
    stride = (ceil_div(terms, line) | 1) * line;
    gathered = memory.take<S>(chunk * stride);
    panel = memory.take<S>(chunk * panel_vectors * L);
    width = panel_blocks * C::d_slots * L;
    sums = memory.take<S>((last_panel - first_panel) * (terms + 1) * width);
    left = memory.take<const S*>(terms);
    right = memory.take<S*>(terms);
    da_rows = memory.take<const S*>(chunk);
    latest = memory.take<const S*>(layer.B);
    zeros = memory.take<S>(layer.H);
    used = memory.used();
  }

  const Layer<S>& layer;
  const Gradients<S>& gradients;
  const Sizes<S, C> n;
  const S* da;                    // [T, B, da]
  Index first_panel, last_panel;  // of the columns of da
  int w_parts, u_parts;
  Index terms;                  // rows of the gradients: I of dW, H of dU, for each part
  Index first_term, last_term;  // those of this share
  Index stride, width;
  S* gathered;              // [chunk, stride] the rows x, h times their dropout
  S* panel;                 // [chunk, width] columns of da
  S* sums;                  // [panels, terms + 1, width]; the last row is db
  const S** left;           // [terms] rows of a product
  S** right;                // [terms]
  const S** da_rows;        // [chunk]
  const S** latest;         // [B] the last output so far, or h0
  S* zeros;                 // [H]
  Index step = 0, row = 0;  // where the sum has come to
  std::size_t used;

  static void scaled_copy(S* to, const S* from, const S* factor, Index count) {
    if (!factor) {
      __builtin_memcpy(to, from, static_cast<std::size_t>(count) * sizeof(S));
      return;
    }
    for (Index i = 0; i < count; ++i) to[i] = from[i] * factor[i];
  }

  // The term of the present step and row: x and h with the dropout of each part, and r h.
  void gather_term(Index k) {
    S* to = gathered + k * stride;
    const Index b = row, H = layer.H, I = layer.I, B = layer.B;
    for (int i = 0; i < w_parts; ++i, to += I) {
      const Index gate = w_parts > 1 ? C::gate_of_slot[i] : 0;
      const S* drop = layer.input_dropout;
      scaled_copy(to, input_row(layer, b, step), drop ? drop + (gate * B + b) * I : nullptr, I);
    }
    for (int i = 0; i < u_parts + two_products; ++i, to += H) {
      const int slot_ = i < u_parts ? C::u_first + i : 0;
      const Index gate = layer.recurrent_masks > 1 ? C::gate_of_slot[slot_] : 0;
      const S* drop = layer.recurrent_dropout;
      scaled_copy(to, latest[b], drop ? drop + (gate * B + b) * H : nullptr, H);
    }
    if constexpr (two_products) {
      const S* saved = layer.saved + (step * B + b) * n.saved;
      for (Index unit = 0; unit < H; ++unit) {
        to[unit - H] *= saved[(unit / L * C::slots + 2) * L + unit % L];
      }
    }
    da_rows[k] = da + (step * B + b) * n.da;
    latest[b] = layer.outputs + (b * layer.T + step) * H;
  }

  // The next terms of the sum; their number, 0 at its end.
  Index gather() {
    Index found = 0;
    for (; step < layer.T; ++step, row = 0) {
      for (; row < layer.B; ++row) {
        if (masked(layer, row, step)) continue;
        if (found == chunk) return found;
        gather_term(found++);
      }
    }
    return found;
  }

  // C += A^T B for the gathered columns [from, to) and the slots of a part.
  void add(Index from, Index to, Part part, Index vectors, Index found, S* sum) {
    from = from > first_term ? from : first_term;
    to = least(to, last_term);
    if (from >= to) return;
    for (Index i = from; i < to; ++i) {
      left[i - from] = gathered + i;
      right[i - from] = sum + i * width;
    }
    Index dst[panel_vectors];
    Index v = 0;
    for (; v < (panel_blocks > 1 ? vectors : part.count); ++v) dst[v] = (part.first + v) * L;
    tile_column(left, RowLayout{1, found, 0, stride}, panel + part.first * L, vectors * L, right,
                dst, to - from, v);
  }

  // The columns of da from a block on, side by side in `panel`; adds them up in `bias`.
  void pack(Index block, Index vectors, Index found, S* bias) {
    Vec<S> total[panel_vectors] = {};
    for (Index v = 0; v < vectors; ++v) total[v] = load(bias + v * L);
    S* to = panel;
    for (Index k = 0; k < found; ++k) {
      const S* from = da_rows[k] + block * C::d_slots * L;
#pragma GCC unroll 4
      for (int v = 0; v < panel_vectors; ++v) {
        if (v >= vectors) break;
        const Vec<S> value = load(from + v * L);
        store(to + v * L, value);
        total[v] += value;
      }
      to += vectors * L;
    }
    for (Index v = 0; v < vectors; ++v) store(bias + v * L, total[v]);
  }

  void accumulate(Index p, Index found) {
    const Index block = p * panel_blocks;
    const Index vectors = least(panel_blocks, n.blocks - block) * C::d_slots;
    S* sum = sums + (p - first_panel) * (terms + 1) * width;
    pack(block, vectors, found, sum + terms * width);
    Index term = 0;
    for (int i = 0; i < w_parts; ++i, term += layer.I) {
      add(term, term + layer.I, Packing_::w_part(layer, i), vectors, found, sum);
    }
    for (int i = 0; i < u_parts; ++i, term += layer.H) {
      add(term, term + layer.H, Packing_::u_part(layer, i), vectors, found, sum);
    }
    if (two_products) add(term, term + layer.H, {0, 1}, vectors, found, sum);
  }

  void deliver_block(Index block) {
    const Index H = layer.H, I = layer.I;
    Index term = 0;
    for (int i = 0; i < w_parts; ++i, term += I) {
      deliver(block, term, I, Packing_::w_part(layer, i), gradients.d_kernel);
    }
    for (int i = 0; i < u_parts; ++i, term += H) {
      deliver(block, term, H, Packing_::u_part(layer, i), gradients.d_recurrent_kernel);
    }
    if (two_products) deliver(block, term, H, {0, 1}, gradients.d_recurrent_kernel);
    if (first_term > 0 || !gradients.d_bias) return;
    // The last row of the sums is db.
    S* bias = gradients.d_bias;
    deliver_row(block, terms, {0, C::w_slots}, bias);
    if (layer.cell == Cell::gru)
      deliver_row(block, terms, {C::u_first, C::u_slots}, bias + n.columns);
  }

  // Rows [term, term + count) of the sums, as far as they are this share's, to a gradient.
  void deliver(Index block, Index term, Index count, Part part, S* gradient) {
    const Index from = first_term > term ? first_term : term;
    for (Index i = from; i < least(term + count, last_term); ++i) {
      deliver_row(block, i, part, gradient + (i - term) * n.columns);
    }
  }

  void deliver_row(Index block, Index i, Part part, S* row_) {
    const Index unit = block * L, valid = least(L, layer.H - unit);
    const Index p = block / panel_blocks, within = block % panel_blocks * C::d_slots;
    const S* sum = sums + ((p - first_panel) * (terms + 1) + i) * width + within * L;
    for (int s = part.first; s < part.first + part.count; ++s) {
      store_part(row_ + C::gate_of_slot[s] * layer.H + unit, load(sum + s * L), valid);
    }
  }

  void run() {
    for (Index e = 0; e < layer.H; ++e) zeros[e] = 0;
    for (Index b = 0; b < layer.B; ++b) latest[b] = layer.h0 ? layer.h0 + b * layer.H : zeros;
    const Index size = (last_panel - first_panel) * (terms + 1) * width;
    for (Index e = 0; e < size; e += L) store(sums + e, Vec<S>{});
    for (Index found = gather(); found > 0; found = gather()) {
      for (Index p = first_panel; p < last_panel; ++p) accumulate(p, found);
    }
    const Index stop = least(last_panel * panel_blocks, n.blocks);
    for (Index block = first_panel * panel_blocks; block < stop; ++block) deliver_block(block);
  }
};

}  // namespace elman::ELMAN_TARGET
