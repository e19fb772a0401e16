// A layer forward through time: a share of it.
#pragma once

#include "packing.h"

namespace elman::ELMAN_TARGET {

// Timesteps whose input product is done at once: their rows of `saved` stay in L2 until the
// recurrent part comes to them. Where W and U together are too large for any cache, reading W once
// more costs more than leaving L2: then the rows take a quarter of the memory of W.
constexpr Index block_bytes = 256 * 1024, cached_bytes = 4 * 1024 * 1024;

template <class S, class C>
Index steps_at_once(const Layer<S>& layer, Index rows) {
  const Index weights = layer.I * C::w_slots * layer.H * Index(sizeof(S));
  const Index most = weights > cached_bytes ? least(weights / 4, 4 * cached_bytes) : block_bytes;
  const Index bytes = least(Sizes<S, C>(layer).saved * rows * Index(sizeof(S)), most);
  return least(layer.T, most / (bytes > 0 ? bytes : 1));
}

// Does a phase: body(first, stop) over all `blocks`, or over the pieces of them that this member of
// a share gets, which begin with a panel. `phase` counts the phases.
template <class Body>
ELMAN_INLINE void do_phase(const Share& share, Index& phase, Index blocks, const Body& body) {
  const Index panels = ceil_div(blocks, panel_vectors);
  Index piece = 0;
  do {
    if (share.phases && (piece = share.phases->take(phase, share.member)) < 0) break;
    const Index first = panels * piece / share.members * panel_vectors;
    const Index stop = panels * (piece + 1) / share.members * panel_vectors;
    body(first, least(stop, blocks));
    if (share.phases) share.phases->finish(phase);
  } while (share.phases);
  ++phase;
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

  using Weights = PackedWeights<S, C>;

  Forward(const Layer<S>& layer_, const Share& share_, Pieces memory)
      : layer(layer_), share(share_), n(layer_), first(share_.first) {
    rows = share.last - first;
    masks = layer.recurrent_masks > 1 ? layer.recurrent_masks : 1;
    steps = steps_at_once<S, C>(layer, rows);
    h = memory.take<S>(rows * n.units);
    c = memory.take<S>(C::has_carry ? rows * n.units : 0);
    operands = memory.take<S>(2 * masks * rows * n.units);
    reset_h = memory.take<S>(Weights::two_products ? rows * n.units : 0);
    window = memory.take<S>(layer.saved ? 0 : steps * rows * n.saved);
    scaled = memory.take_own<S>(share, layer.input_dropout ? steps * rows * layer.I : 0);
    left = memory.take_own<const S*>(share, steps * rows);
    right = memory.take_own<S*>(share, steps * rows);
    active = memory.take_own<Index>(share, rows);
    turn = memory.take_own<uint8_t>(share, rows);
    seen = memory.take_own<uint8_t>(share, rows);
    used = memory.used();
  }

  const Layer<S>& layer;
  const Share& share;
  const Sizes<S, C> n;
  Index first, rows, steps, masks, step0 = 0, phase = 0;
  // Of all members:
  S *h, *c;     // [rows, units] the states
  S* operands;  // [2, masks, rows, units] h times its dropout: this step's and the next one's
  S* reset_h;   // [rows, units] r times the operand
  S* window;    // [steps, rows, saved] where the layer keeps no `saved`
  // Of this one:
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
  S* operand(Index row, int which, Index mask) const {
    return operands + ((which * masks + mask) * rows + row) * n.units;
  }
  // The operand of this step for the gate of a slot.
  const S* operand_now(Index row, int slot_) const {
    return operand(row, turn[row], masks > 1 ? C::gate_of_slot[slot_] : 0);
  }
  // The dropout mask of h for a row, or null.
  const S* recurrent_mask(Index row, Index mask) const {
    if (!layer.recurrent_dropout) return nullptr;
    return layer.recurrent_dropout + (mask * layer.B + first + row) * layer.H;
  }

  // Calls body(first, stop) for the blocks of units that are this member's in the next phase.
  template <class Body>
  ELMAN_INLINE void each(const Body& body) {
    do_phase(share, phase, n.blocks, body);
  }

  void start(Index from, Index stop) {
    const Index H = layer.H;
    for (Index row = 0; row < rows; ++row) {
      const Index b = first + row;
      for (Index unit = from * L; unit < stop * L; ++unit) {
        const bool inside = unit < H;
        const S value = layer.h0 && inside ? layer.h0[b * H + unit] : S(0);
        h[row * n.units + unit] = value;
        for (Index mask = 0; mask < masks; ++mask) {
          const S* drop = inside ? recurrent_mask(row, mask) : nullptr;
          operand(row, 0, mask)[unit] = drop ? value * drop[unit] : value;
          operand(row, 1, mask)[unit] = 0;
        }
        if (C::has_carry) c[row * n.units + unit] = layer.c0 && inside ? layer.c0[b * H + unit] : 0;
      }
    }
  }

  // The input part of the pre-activations of steps [step0, step0 + count).
  void project(const Weights& weights, Index count, Index from, Index stop) {
    for (int i = 0; i < Weights::w_parts(layer); ++i) {
      const Part part = Weights::w_part(layer, i);
      const Index gate = Weights::w_parts(layer) > 1 ? C::gate_of_slot[part.first] : 0;
      Index found = 0;
      for (Index step = step0; step < step0 + count; ++step) {
        for (Index row = 0; row < rows; ++row) {
          if (masked(layer, first + row, step)) continue;
          left[found] = input(row, step, gate, found);
          right[found] = saved_row(row, step);
          for (Index e = from * C::slots * L; i == 0 && e < stop * C::slots * L; e += L) {
            store(right[found] + e, load(weights.initial + e));
          }
          ++found;
        }
      }
      multiply(left, RowLayout{1, layer.I, 0, 1}, weights.w[i], right, found, from, stop);
    }
  }

  // x of one step with its dropout, which is worked out in row `at` of `scaled`.
  const S* input(Index row, Index step, Index gate, Index at) const {
    const S* x = input_row(layer, first + row, step);
    if (!layer.input_dropout) return x;
    const S* drop = layer.input_dropout + (gate * layer.B + first + row) * layer.I;
    S* to = scaled + at * layer.I;
    for (Index i = 0; i < layer.I; ++i) to[i] = x[i] * drop[i];
    return to;
  }

  template <class Pair>
  void advance(const Pair& pair, const Weights& weights, Index step) {
    Index found = 0;
    for (Index row = 0; row < rows; ++row) {
      if (masked(layer, first + row, step)) continue;
      active[found] = row;
      right[found++] = saved_row(row, step);
    }
    // All but the last product, which is finished panel by panel.
    const int parts = Weights::u_parts(layer);
    if constexpr (Weights::two_products) {
      each([&](Index from, Index stop) {
        for (int i = 0; i < parts; ++i) product(weights, i, found, from, stop);
        choose_operands(0, found);
        reset(pair, found, from, stop);
      });
      for (Index m = 0; m < found; ++m) left[m] = reset_h + active[m] * n.units;
    }
    each([&](Index from, Index stop) {
      if constexpr (Weights::two_products) {
        last_product(pair, weights.candidate, found, step, from, stop);
      } else {
        for (int i = 0; i < parts - 1; ++i) product(weights, i, found, from, stop);
        choose_operands(Weights::u_part(layer, parts - 1).first, found);
        last_product(pair, weights.u[parts - 1], found, step, from, stop);
      }
      if (layer.outputs && found < rows) repeat(step, from, stop);
    });
    for (Index m = 0; m < found; ++m) {
      turn[active[m]] ^= 1;
      seen[active[m]] = 1;
    }
  }

  void choose_operands(int slot_, Index found) {
    for (Index m = 0; m < found; ++m) left[m] = operand_now(active[m], slot_);
  }

  void product(const Weights& weights, int part, Index found, Index from, Index stop) {
    choose_operands(Weights::u_part(layer, part).first, found);
    multiply(left, RowLayout{1, layer.H, 0, 1}, weights.u[part], right, found, from, stop);
  }

  template <class Pair>
  void last_product(const Pair& pair, const Packed<S>& u, Index found, Index step, Index from,
                    Index stop) {
    for (Index next; from < stop; from = next) {
      next = least(from + u.blocks_per_panel(), stop);
      multiply(left, RowLayout{1, layer.H, 0, 1}, u, right, found, from, next);
      finish(pair, found, step, from, next);
    }
  }

  template <class Pair>
  void reset(const Pair& pair, Index found, Index from, Index stop) {
    for (Index m = 0; m < found; ++m) {
      S* to = reset_h + active[m] * n.units;
      for (Index block = from; block < stop; ++block) {
        store(to + block * L, C::template reset<S>(pair, right[m] + block * C::slots * L,
                                                   load(left[m] + block * L)));
      }
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
        for (Index mask = 0; mask < masks; ++mask) {
          const S* drop = recurrent_mask(row, mask);
          store(operand(row, turn[row] ^ 1, mask) + unit,
                drop ? y * load_part(drop + unit, valid) : y);
        }
        if (layer.outputs) {
          store_part(layer.outputs + (b * layer.T + step) * layer.H + unit, y, valid);
        }
      }
    }
  }

  // The outputs of the rows that are masked in this step: as before, or zeros.
  void repeat(Index step, Index from, Index stop) {
    for (Index row = 0; row < rows; ++row) {
      if (!masked(layer, first + row, step)) continue;
      S* to = layer.outputs + ((first + row) * layer.T + step) * layer.H;
      const bool shown = seen[row] && !layer.zero_output_for_mask;
      for (Index unit = from * L; unit < least(stop * L, layer.H); ++unit) {
        to[unit] = shown ? h[row * n.units + unit] : 0;
      }
    }
  }

  void end(Index from, Index stop) {
    const Index H = layer.H;
    for (Index row = 0; row < rows; ++row) {
      const Index b = first + row;
      const bool hidden = layer.zero_output_for_mask && layer.T && masked(layer, b, layer.T - 1);
      const bool shown = seen[row] && !hidden;
      for (Index unit = from * L; unit < least(stop * L, H); ++unit) {
        const S value = h[row * n.units + unit];
        layer.h[b * H + unit] = value;
        layer.last[b * H + unit] = shown ? value : S(0);
        if (C::has_carry) layer.c[b * H + unit] = c[row * n.units + unit];
      }
    }
  }

  template <class Pair>
  void run(const Pair& pair, const Weights& weights) {
    for (Index row = 0; row < rows; ++row) turn[row] = seen[row] = 0;
    each([&](Index from, Index stop) { start(from, stop); });
    for (step0 = 0; step0 < layer.T; step0 += steps) {
      const Index count = least(steps, layer.T - step0);
      each([&](Index from, Index stop) { project(weights, count, from, stop); });
      for (Index step = step0; step < step0 + count; ++step) advance(pair, weights, step);
    }
    each([&](Index from, Index stop) { end(from, stop); });
  }
};

}  // namespace elman::ELMAN_TARGET
