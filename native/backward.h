// The gradients back through time, for a share of the layer.
#pragma once

#include "forward.h"

namespace elman::ELMAN_TARGET {

template <class S, class C>
struct Backward {
  static constexpr Index L = lanes<S>;
  using Weights = PackedWeights<S, C>;

  Backward(const Layer<S>& layer_, const Gradients<S>& gradients_, S* da_, const Share& share_,
           Pieces memory)
      : layer(layer_), gradients(gradients_), share(share_), n(layer_), da(da_) {
    first = share.first;
    rows = share.last - first;
    steps = steps_at_once<S, C>(layer, rows);
    inputs = ceil_div(layer.I, L) * L;
    dh = memory.take<S>(rows * n.units);
    dc = memory.take<S>(C::has_carry ? rows * n.units : 0);
    through = memory.take<S>(rows * n.units);
    dx = memory.take<S>(steps * rows * inputs);
    left = memory.take_own<const S*>(share, steps * rows);
    right = memory.take_own<S*>(share, steps * rows);
    active = memory.take_own<Index>(share, rows);
    start = memory.take_own<Index>(share, rows);
    before = memory.take_own<Index>(share, rows);
    used = memory.used();
  }

  const Layer<S>& layer;
  const Gradients<S>& gradients;
  const Share& share;
  const Sizes<S, C> n;
  S* da;  // [T, B, da]
  Index first, rows, steps, inputs, phase = 0;
  // Of all members:
  S *dh, *dc;  // [rows, units]
  S* through;  // [rows, units] gradients of what the recurrent kernel multiplies
  S* dx;       // [steps * rows, inputs]
  // Of this one:
  const S** left;  // [steps * rows] rows of a product
  S** right;       // [steps * rows]
  Index* active;   // [rows] the rows that this step is not masked in
  Index* start;    // [rows] the first step that is not masked; T where there is none
  Index* before;   // [rows] of the active rows: the last step before that is not masked, or -1
  std::size_t used;

  S* da_row(Index row, Index step) const { return da + (step * layer.B + first + row) * n.da; }
  const S* saved_row(Index row, Index step) const {
    return layer.saved + (step * layer.B + first + row) * n.saved;
  }

  // The state that `active[m]` had before this step, without padding; null where it is zeros.
  const S* h_before(Index m) const {
    const Index b = first + active[m];
    if (before[m] >= 0) return layer.outputs + (b * layer.T + before[m]) * layer.H;
    return layer.h0 ? layer.h0 + b * layer.H : nullptr;
  }
  Vec<S> c_before(Index m, Index block, Index valid) const {
    const Index b = first + active[m];
    if constexpr (C::has_carry) {
      if (before[m] >= 0) {
        return slot(saved_row(active[m], before[m]) + block * C::slots * L, C::carry_slot);
      }
      if (layer.c0) return load_part(layer.c0 + b * layer.H + block * L, valid);
    }
    return Vec<S>{};
  }

  // Calls body(first, stop) for the blocks, of units or of inputs, that are this member's in the
  // next phase.
  template <class Body>
  ELMAN_INLINE void each(Index blocks, const Body& body) {
    do_phase(share, phase, blocks, body);
  }

  void find_starts() {
    for (Index row = 0; row < rows; ++row) {
      start[row] = 0;
      while (start[row] < layer.T && masked(layer, first + row, start[row])) ++start[row];
    }
  }

  void begin(Index from, Index stop) {
    const Index H = layer.H, T = layer.T;
    for (Index row = 0; row < rows; ++row) {
      const Index b = first + row;
      const bool hidden = layer.zero_output_for_mask && T && masked(layer, b, T - 1);
      const bool shown = gradients.d_last && start[row] < T && !hidden;
      for (Index unit = from * L; unit < stop * L; ++unit) {
        S value = 0;
        if (unit < H && gradients.d_h) value += gradients.d_h[b * H + unit];
        if (unit < H && shown) value += gradients.d_last[b * H + unit];
        dh[row * n.units + unit] = value;
        if (C::has_carry) {
          dc[row * n.units + unit] = unit < H && gradients.d_c ? gradients.d_c[b * H + unit] : S(0);
        }
      }
    }
  }

  // The gradient of a masked step's output goes to the state that it repeats.
  void pass_repeated(Index row, Index step, Index from, Index stop) {
    if (!gradients.d_outputs || layer.zero_output_for_mask || step < start[row]) return;
    const S* d = gradients.d_outputs + ((first + row) * layer.T + step) * layer.H;
    for (Index unit = from * L; unit < least(stop * L, layer.H); ++unit) {
      dh[row * n.units + unit] += d[unit];
    }
  }

  // The rows that are in a step.
  Index find_active(Index step) {
    Index found = 0;
    for (Index row = 0; row < rows; ++row) {
      if (masked(layer, first + row, step)) continue;
      Index previous = step - 1;
      while (previous >= 0 && masked(layer, first + row, previous)) --previous;
      active[found] = row;
      before[found] = previous;
      ++found;
    }
    return found;
  }

  template <class Pair>
  void retreat(const Pair& pair, const Weights& weights, Index step) {
    const Index found = find_active(step);
    each(n.blocks, [&](Index from, Index stop) {
      for (Index row = 0; found < rows && row < rows; ++row) {
        if (masked(layer, first + row, step)) pass_repeated(row, step, from, stop);
      }
      pointwise(pair, found, step, from, stop);
    });
    if constexpr (Weights::two_products) {
      each(n.blocks, [&](Index from, Index stop) {
        clear(through, found, from, stop);
        product(weights.candidate_transposed, {0, 1}, found, step, through, from, stop);
        reset(pair, found, step, from, stop);
      });
    }
    each(n.blocks, [&](Index from, Index stop) {
      for (int i = 0; i < Weights::u_parts(layer); ++i) {
        const Part part = Weights::u_part(layer, i);
        S* to = layer.recurrent_dropout ? through : dh;
        if (layer.recurrent_dropout) clear(through, found, from, stop);
        product(weights.u_transposed[i], part, found, step, to, from, stop);
        if (layer.recurrent_dropout) drop(part.first, found, from, stop);
      }
    });
  }

  // The dropout mask of h for a row and the gate of a slot, or null.
  const S* recurrent_mask(Index row, int slot_) const {
    if (!layer.recurrent_dropout) return nullptr;
    const Index gate = layer.recurrent_masks > 1 ? C::gate_of_slot[slot_] : 0;
    return layer.recurrent_dropout + (gate * layer.B + first + row) * layer.H;
  }

  // to[row] += the gradients da of this step in the slots of a part, times the packed weights.
  void product(const Packed<S>& packed, Part part, Index found, Index step, S* to, Index from,
               Index stop) {
    for (Index m = 0; m < found; ++m) {
      left[m] = da_row(active[m], step) + part.first * L;
      right[m] = to + active[m] * n.units;
    }
    multiply(left, slots_of<S, C>(part, n.blocks), packed, right, found, from, stop);
  }

  void clear(S* rows_of, Index found, Index from, Index stop) const {
    for (Index m = 0; m < found; ++m) {
      S* to = rows_of + active[m] * n.units;
      for (Index block = from; block < stop; ++block) store(to + block * L, Vec<S>{});
    }
  }

  // dh += the gradient that came through the products, times the dropout.
  void drop(int slot_, Index found, Index first_block, Index stop) {
    for (Index m = 0; m < found; ++m) {
      const S* factor = recurrent_mask(active[m], slot_);
      S *to = dh + active[m] * n.units, *from = through + active[m] * n.units;
      for (Index unit = first_block * L; unit < least(stop * L, layer.H); ++unit) {
        to[unit] += from[unit] * factor[unit];
      }
    }
  }

  template <class Pair>
  __attribute__((noinline)) void pointwise(const Pair& pair, Index found, Index step, Index from,
                                           Index stop) {
    for (Index m = 0; m < found; ++m) {
      const Index row = active[m], b = first + row;
      const S* h = h_before(m);
      const S* d_output =
          gradients.d_outputs ? gradients.d_outputs + (b * layer.T + step) * layer.H : nullptr;
      for (Index block = from; block < stop; ++block) {
        const Index unit = block * L, valid = least(L, layer.H - unit);
        S *dh_row = dh + row * n.units + unit, *dc_row = dc + row * n.units + unit;
        Vec<S> d = load(dh_row), carry{};
        if (d_output) d += load_part(d_output + unit, valid);
        if (C::has_carry) carry = load(dc_row);
        const Vec<S> h_vector = h ? load_part(h + unit, valid) : Vec<S>{};
        store(dh_row,
              C::template step_backward<S>(pair, saved_row(row, step) + block * C::slots * L,
                                           h_vector, c_before(m, block, valid), d, carry,
                                           da_row(row, step) + block * C::d_slots * L));
        if (C::has_carry) store(dc_row, carry);
      }
    }
  }

  // GruResetBefore: from the gradient of r h in `through` to those of a_r and h.
  template <class Pair>
  void reset(const Pair& pair, Index found, Index step, Index from, Index stop) {
    for (Index m = 0; m < found; ++m) {
      const Index row = active[m];
      const S *h = h_before(m), *factor = recurrent_mask(row, 0);
      for (Index block = from; block < stop; ++block) {
        const Index unit = block * L, valid = least(L, layer.H - unit);
        const Vec<S> keep = factor ? load_part(factor + unit, valid) : broadcast(S(1));
        const Vec<S> h_vector = h ? load_part(h + unit, valid) * keep : Vec<S>{};
        const Vec<S> d = C::template reset_backward<S>(
            pair, saved_row(row, step) + block * C::slots * L, h_vector,
            load(through + row * n.units + unit), da_row(row, step) + block * C::d_slots * L);
        S* to = dh + row * n.units + unit;
        store(to, d * keep + load(to));
      }
    }
  }

  // The gradients of the input of steps [step0, step0 + count), in blocks of the input.
  void project_back(const Weights& weights, Index step0, Index count, Index from, Index stop) {
    for (int i = 0; i < Weights::w_parts(layer); ++i) {
      const Part part = Weights::w_part(layer, i);
      Index found = 0;
      for (Index step = step0; step < step0 + count; ++step) {
        for (Index row = 0; row < rows; ++row) {
          if (masked(layer, first + row, step)) continue;
          left[found] = da_row(row, step) + part.first * L;
          right[found] = dx + found * inputs;
          for (Index block = from; block < stop; ++block) {
            store(right[found] + block * L, Vec<S>{});
          }
          ++found;
        }
      }
      multiply(left, slots_of<S, C>(part, n.blocks), weights.w_transposed[i], right, found, from,
               stop);
      deliver(step0, count, i, from * L, least(stop * L, layer.I));
    }
  }

  // From `dx` to the caller's array, times the dropout; the first part starts the sum.
  void deliver(Index step0, Index count, int part, Index first_input, Index stop) {
    const Index I = layer.I;
    const bool each = Weights::w_parts(layer) > 1;
    const Index gate = each ? C::gate_of_slot[part] : 0;
    Index found = 0;
    for (Index step = step0; step < step0 + count; ++step) {
      for (Index row = 0; row < rows; ++row) {
        const Index b = first + row;
        S* to = gradients.dx + (input_row(layer, b, step) - layer.x);
        for (Index i = first_input; part == 0 && i < stop; ++i) to[i] = 0;
        if (masked(layer, b, step)) continue;
        const S* from = right[found++];
        const S* drop = layer.input_dropout;
        if (drop) drop += (gate * layer.B + b) * I;
        for (Index i = first_input; i < stop; ++i) to[i] += drop ? from[i] * drop[i] : from[i];
      }
    }
  }

  void end(Index from, Index stop) {
    const Index H = layer.H;
    for (Index row = 0; row < rows; ++row) {
      for (Index unit = from * L; unit < least(stop * L, H); ++unit) {
        gradients.dh0[(first + row) * H + unit] = dh[row * n.units + unit];
        if (C::has_carry) gradients.dc0[(first + row) * H + unit] = dc[row * n.units + unit];
      }
    }
  }

  template <class Pair>
  void run(const Pair& pair, const Weights& weights) {
    find_starts();
    each(n.blocks, [&](Index from, Index stop) { begin(from, stop); });
    for (Index stop = layer.T; stop > 0; stop -= least(steps, stop)) {
      const Index step0 = stop - least(steps, stop);
      for (Index step = stop; step-- > step0;) retreat(pair, weights, step);
      if (!gradients.dx) continue;
      each(inputs / L,
           [&](Index from, Index to) { project_back(weights, step0, stop - step0, from, to); });
    }
    each(n.blocks, [&](Index from, Index stop) { end(from, stop); });
  }
};

}  // namespace elman::ELMAN_TARGET
