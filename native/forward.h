// A layer forward through time, for some rows of the batch.
#pragma once

#include "packing.h"

namespace elman::ELMAN_TARGET {

// Timesteps whose input product is done at once: their rows of `saved` stay in L2 until the
// recurrent part comes to them.
constexpr Index block_bytes = 256 * 1024;

template <class S, class C>
Index steps_at_once(const Layer<S>& layer, Index rows) {
  const Index bytes = least(Sizes<S, C>(layer).saved * rows * Index(sizeof(S)), block_bytes);
  return least(layer.T, block_bytes / (bytes > 0 ? bytes : 1));
}

template <class S>
ELMAN_INLINE bool masked(const Layer<S>& layer, Index b, Index step) {
  if (!layer.mask) return false;
  const Index t = layer.go_backwards ? layer.T - 1 - step : step;
  return layer.mask[b * layer.T + t] == 0;
}

template <class S>
ELMAN_INLINE const S* input_row(const Layer<S>& layer, Index b, Index step) {
  const Index t = layer.go_backwards ? layer.T - 1 - step : step;
  return layer.x + (b * layer.T + t) * layer.I;
}

template <class S, class C>
struct Forward {
  static constexpr Index L = lanes<S>;

  Forward(const Layer<S>& layer_, Index first_, Index rows_, Pieces memory)
      : layer(layer_), n(layer_), first(first_), rows(rows_) {
    steps = steps_at_once<S, C>(layer, rows);
    h = memory.take<S>(rows * n.units);
    c = memory.take<S>(C::has_carry ? rows * n.units : 0);
    operands = memory.take<S>(2 * rows * n.units);
    reset_h = memory.take<S>(PackedWeights<S, C>::two_products ? rows * n.units : 0);
    window = memory.take<S>(layer.saved ? 0 : steps * rows * n.saved);
    scaled = memory.take<S>(layer.input_dropout ? steps * rows * layer.I : 0);
    left = memory.take<const S*>(steps * rows);
    right = memory.take<S*>(steps * rows);
    active = memory.take<Index>(rows);
    turn = memory.take<uint8_t>(rows);
    seen = memory.take<uint8_t>(rows);
    used = memory.used();
  }

  const Layer<S>& layer;
  const Sizes<S, C> n;
  Index first, rows, steps, step0 = 0;
  S *h, *c;        // [rows, units] the states
  S* operands;     // [2, rows, units] h times its dropout: this step's and the next one's
  S* reset_h;      // [rows, units] r times the operand
  S* window;       // [steps, rows, saved] where the layer keeps no `saved`
  S* scaled;       // [steps, rows, I] x times its dropout
  const S** left;  // [steps * rows] rows of a product
  S** right;       // [steps * rows]
  Index* active;   // [rows] the rows that this step is not masked in
  uint8_t* turn;   // [rows] which of the operands is this step's
  uint8_t* seen;   // [rows] a step was not masked so far
  std::size_t used;

  S* saved_row(Index row, Index step) const {
    return layer.saved ? layer.saved + (step * layer.B + first + row) * n.saved
                       : window + ((step - step0) * rows + row) * n.saved;
  }
  S* operand(Index row, int which) const { return operands + (which * rows + row) * n.units; }

  void start() {
    const Index H = layer.H;
    for (Index row = 0; row < rows; ++row) {
      turn[row] = seen[row] = 0;
      const Index b = first + row;
      for (Index unit = 0; unit < n.units; ++unit) {
        const S value = layer.h0 && unit < H ? layer.h0[b * H + unit] : S(0);
        const bool drop = layer.recurrent_dropout && unit < H;
        h[row * n.units + unit] = value;
        operand(row, 0)[unit] = drop ? value * layer.recurrent_dropout[b * H + unit] : value;
        operand(row, 1)[unit] = 0;
        if (C::has_carry) {
          c[row * n.units + unit] = layer.c0 && unit < H ? layer.c0[b * H + unit] : S(0);
        }
      }
    }
  }

  // The input part of the pre-activations of steps [step0, step0 + count).
  void project(const PackedWeights<S, C>& weights, Index count) {
    Index found = 0;
    for (Index step = step0; step < step0 + count; ++step) {
      for (Index row = 0; row < rows; ++row) {
        if (masked(layer, first + row, step)) continue;
        const S* x = input_row(layer, first + row, step);
        if (layer.input_dropout) {
          const S* drop = layer.input_dropout + (first + row) * layer.I;
          S* to = scaled + found * layer.I;
          for (Index i = 0; i < layer.I; ++i) to[i] = x[i] * drop[i];
          x = to;
        }
        left[found] = x;
        right[found] = saved_row(row, step);
        for (Index e = 0; e < n.saved; e += L) store(right[found] + e, load(weights.initial + e));
        ++found;
      }
    }
    multiply(left, RowLayout{1, layer.I, 0, 1}, weights.w, right, found);
  }

  template <class Pair>
  void advance(const Pair& pair, const PackedWeights<S, C>& weights, Index step) {
    Index found = 0;
    for (Index row = 0; row < rows; ++row) {
      if (masked(layer, first + row, step)) continue;
      active[found] = row;
      left[found] = operand(row, turn[row]);
      right[found++] = saved_row(row, step);
    }
    const RowLayout all{1, layer.H, 0, 1};
    const Packed<S>* last = &weights.u;
    if constexpr (PackedWeights<S, C>::two_products) {
      multiply(left, all, weights.u, right, found);
      reset(pair, found);
      last = &weights.candidate;
    }
    const Index blocks_per_panel = last->per_panel() / last->group;
    for (Index p = 0; p < last->panels(); ++p) {
      multiply_panel(left, all, *last, p, right, found);
      const Index block = p * blocks_per_panel;
      finish(pair, found, step, block, least(block + blocks_per_panel, n.blocks));
    }
    for (Index m = 0; m < found; ++m) {
      turn[active[m]] ^= 1;
      seen[active[m]] = 1;
    }
    if (layer.outputs && found < rows) repeat(step);
  }

  template <class Pair>
  void reset(const Pair& pair, Index found) {
    for (Index m = 0; m < found; ++m) {
      S* to = reset_h + active[m] * n.units;
      for (Index block = 0; block < n.blocks; ++block) {
        store(to + block * L, C::template reset<S>(pair, right[m] + block * C::slots * L,
                                                   load(left[m] + block * L)));
      }
      left[m] = to;
    }
  }

  // The pointwise part of the blocks [block, stop), and where its results go.
  template <class Pair>
  __attribute__((noinline)) void finish(const Pair& pair, Index found, Index step, Index block,
                                        Index stop) {
    for (; block < stop; ++block) {
      const Index unit = block * L, valid = least(L, layer.H - unit);
      for (Index m = 0; m < found; ++m) {
        const Index row = active[m], b = first + row;
        S *h_row = h + row * n.units + unit, *c_row = c + row * n.units + unit;
        Vec<S> carry{};
        if (C::has_carry) carry = load(c_row);
        const Vec<S> y =
            C::template step<S>(pair, right[m] + block * C::slots * L, load(h_row), carry);
        if (C::has_carry) store(c_row, carry);
        store(h_row, y);
        S* next = operand(row, turn[row] ^ 1) + unit;
        store(next, layer.recurrent_dropout
                        ? y * load_part(layer.recurrent_dropout + b * layer.H + unit, valid)
                        : y);
        if (layer.outputs) {
          store_part(layer.outputs + (b * layer.T + step) * layer.H + unit, y, valid);
        }
      }
    }
  }

  // The outputs of the rows that are masked in this step: as before, or zeros.
  void repeat(Index step) {
    for (Index row = 0; row < rows; ++row) {
      if (!masked(layer, first + row, step)) continue;
      S* to = layer.outputs + ((first + row) * layer.T + step) * layer.H;
      const bool shown = seen[row] && !layer.zero_output_for_mask;
      for (Index unit = 0; unit < layer.H; ++unit) to[unit] = shown ? h[row * n.units + unit] : 0;
    }
  }

  void end() {
    const Index H = layer.H;
    for (Index row = 0; row < rows; ++row) {
      const Index b = first + row;
      const bool hidden = layer.zero_output_for_mask && layer.T && masked(layer, b, layer.T - 1);
      const bool shown = seen[row] && !hidden;
      for (Index unit = 0; unit < H; ++unit) {
        const S value = h[row * n.units + unit];
        layer.h[b * H + unit] = value;
        layer.last[b * H + unit] = shown ? value : S(0);
        if (C::has_carry) layer.c[b * H + unit] = c[row * n.units + unit];
      }
    }
  }

  template <class Pair>
  void run(const Pair& pair, const PackedWeights<S, C>& weights) {
    start();
    for (step0 = 0; step0 < layer.T; step0 += steps) {
      const Index count = least(steps, layer.T - step0);
      project(weights, count);
      for (Index step = step0; step < step0 + count; ++step) advance(pair, weights, step);
    }
    end();
  }
};

}  // namespace elman::ELMAN_TARGET
