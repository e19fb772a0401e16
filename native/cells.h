// The cells: one step forward and backward on a vector of units, the products apart.
//
// A row of `saved` is a step of one sequence, in blocks of `lanes` units: [blocks][slots][lanes].
// The forward step finds the pre-activations in its slots and leaves what backward needs there. A
// row of `da` holds the gradients of the pre-activations, [blocks][d_slots][lanes]. The input
// product fills slots [0, w_slots), the recurrent one [u_first, u_first + u_slots).
#pragma once

#include "functions.h"

namespace elman::ELMAN_TARGET {

template <class S>
ELMAN_INLINE Vec<S> slot(const S* block, int index) {
  return load(block + index * lanes<S>);
}

template <class S>
ELMAN_INLINE void set_slot(S* block, int index, Vec<S> value) {
  store(block + index * lanes<S>, value);
}

// h' = f(a)
struct SimpleRnn {
  static constexpr int slots = 1, d_slots = 1, w_slots = 1, u_first = 0, u_slots = 1;
  static constexpr int gate_of_slot[] = {0};
  static constexpr bool has_carry = false;

  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> step(const Pair& pair, S* block, Vec<S>, Vec<S>&) {
    const Vec<S> h = activate<S>(pair.f, slot(block, 0));
    set_slot(block, 0, h);
    return h;
  }

  // Takes dL/dh' and gives the part of dL/dh that does not come through the products.
  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> step_backward(const Pair& pair, const S* block, Vec<S>, Vec<S>,
                                           Vec<S> dh, Vec<S>&, S* da) {
    set_slot(da, 0, dh * slope<S>(pair.f, slot(block, 0)));
    return Vec<S>{};
  }
};

// i, f, o = s(a_i), s(a_f), s(a_o);  j = f(a_c);  c' = f c + i j;  h' = o f(c')
struct Lstm {
  static constexpr int slots = 5, d_slots = 4, w_slots = 4, u_first = 0, u_slots = 4;
  static constexpr int gate_of_slot[] = {0, 1, 2, 3};
  static constexpr int carry_slot = 4;
  static constexpr bool has_carry = true;

  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> step(const Pair& pair, S* block, Vec<S>, Vec<S>& c) {
    const Vec<S> i = activate<S>(pair.s, slot(block, 0));
    const Vec<S> f = activate<S>(pair.s, slot(block, 1));
    const Vec<S> j = activate<S>(pair.f, slot(block, 2));
    const Vec<S> o = activate<S>(pair.s, slot(block, 3));
    c = f * c + i * j;
    set_slot(block, 0, i);
    set_slot(block, 1, f);
    set_slot(block, 2, j);
    set_slot(block, 3, o);
    set_slot(block, carry_slot, c);
    return o * activate<S>(pair.f, c);
  }

  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> step_backward(const Pair& pair, const S* block, Vec<S>, Vec<S> c,
                                           Vec<S> dh, Vec<S>& dc, S* da) {
    const Vec<S> i = slot(block, 0), f = slot(block, 1), j = slot(block, 2), o = slot(block, 3);
    const Vec<S> y = activate<S>(pair.f, slot(block, carry_slot));
    const Vec<S> d = dc + dh * o * slope<S>(pair.f, y);
    set_slot(da, 0, d * j * slope<S>(pair.s, i));
    set_slot(da, 1, d * c * slope<S>(pair.s, f));
    set_slot(da, 2, d * i * slope<S>(pair.f, j));
    set_slot(da, 3, dh * y * slope<S>(pair.s, o));
    dc = d * f;
    return Vec<S>{};
  }
};

// z, r = s(a_z), s(a_r);  j = f(a_h + r q) with q = h U_h + d_h;  h' = z h + (1 - z) j
struct Gru {
  static constexpr int slots = 4, d_slots = 4, w_slots = 3, u_first = 1, u_slots = 3;
  static constexpr int gate_of_slot[] = {2, 0, 1, 2};  // a_h and then j, z, r, q
  static constexpr bool has_carry = false;

  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> step(const Pair& pair, S* block, Vec<S> h, Vec<S>&) {
    const Vec<S> z = activate<S>(pair.s, slot(block, 1));
    const Vec<S> r = activate<S>(pair.s, slot(block, 2));
    const Vec<S> j = activate<S>(pair.f, slot(block, 0) + r * slot(block, 3));
    set_slot(block, 0, j);
    set_slot(block, 1, z);
    set_slot(block, 2, r);
    return z * (h - j) + j;
  }

  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> step_backward(const Pair& pair, const S* block, Vec<S> h, Vec<S>,
                                           Vec<S> dh, Vec<S>&, S* da) {
    const Vec<S> j = slot(block, 0), z = slot(block, 1), r = slot(block, 2), q = slot(block, 3);
    const Vec<S> dj = (dh - dh * z) * slope<S>(pair.f, j);
    set_slot(da, 0, dj);
    set_slot(da, 1, dh * (h - j) * slope<S>(pair.s, z));
    set_slot(da, 2, dj * q * slope<S>(pair.s, r));
    set_slot(da, 3, dj * r);
    return dh * z;
  }
};

// z, r = s(a_z), s(a_r);  j = f(a_h + (r h) U_h);  h' = z h + (1 - z) j
//
// The candidate's product needs r: a step is the product for z and r, `reset`, the product for
// the candidate, `step`; backward likewise in the opposite order, with `reset_backward` between.
struct GruResetBefore {
  static constexpr int slots = 3, d_slots = 3, w_slots = 3, u_first = 1, u_slots = 2;
  static constexpr int gate_of_slot[] = {2, 0, 1};
  static constexpr bool has_carry = false;

  // Gives r * h, h with its dropout.
  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> reset(const Pair& pair, S* block, Vec<S> h) {
    const Vec<S> r = activate<S>(pair.s, slot(block, 2));
    set_slot(block, 2, r);
    return r * h;
  }

  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> step(const Pair& pair, S* block, Vec<S> h, Vec<S>&) {
    const Vec<S> z = activate<S>(pair.s, slot(block, 1));
    const Vec<S> j = activate<S>(pair.f, slot(block, 0));
    set_slot(block, 0, j);
    set_slot(block, 1, z);
    return z * (h - j) + j;
  }

  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> step_backward(const Pair& pair, const S* block, Vec<S> h, Vec<S>,
                                           Vec<S> dh, Vec<S>&, S* da) {
    const Vec<S> j = slot(block, 0), z = slot(block, 1);
    set_slot(da, 0, (dh - dh * z) * slope<S>(pair.f, j));
    set_slot(da, 1, dh * (h - j) * slope<S>(pair.s, z));
    return dh * z;
  }

  // Takes d = dL/d(r h), h with its dropout, and gives dL/dh without that dropout's factor.
  template <class S, class Pair>
  static ELMAN_INLINE Vec<S> reset_backward(const Pair& pair, const S* block, Vec<S> h, Vec<S> d,
                                            S* da) {
    const Vec<S> r = slot(block, 2);
    set_slot(da, 2, d * h * slope<S>(pair.s, r));
    return d * r;
  }
};

}  // namespace elman::ELMAN_TARGET
