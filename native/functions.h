// tanh, sigmoid and the other activations on vectors, each with its largest error over the whole
// range, which native/tests/functions_test.cc holds it to.
#pragma once

#include "layer.h"
#include "simd.h"

namespace elman::ELMAN_TARGET {

template <class S>
struct Constants;

template <>
struct Constants<float> {
  static constexpr float round = 0x1.8p23f;  // adding it leaves an integer in the lowest bits
  static constexpr float ln2_high = 0x1.62ep-1f, ln2_low = 0x1.0bfbe8p-15f;
  static constexpr int mantissa = 23;
  static constexpr uint32_t one = 0x3f800000u, sign = 0x80000000u;
  static constexpr float tanh_limit = 10.f;               // tanh rounds to 1 from 9.02 on
  static constexpr float sigmoid_limit = 0x1.5d589ep+6f;  // exp(-it) is the least normal number
  // expm1(r) = r + r^2 q(r) to 1.4e-8 of its value for |r| <= ln 2 / 2, fitted by least squares
  // with Lawson's weights.
  static constexpr float q[] = {0x1.fffffep-2f, 0x1.5554bp-3f, 0x1.555674p-5f, 0x1.1227bp-7f,
                                0x1.6bebfep-10f};
};

template <>
struct Constants<double> {
  static constexpr double round = 0x1.8p52;
  static constexpr double ln2_high = 0x1.62e42fep-1, ln2_low = 0x1.f473de6af278fp-30;
  static constexpr int mantissa = 52;
  static constexpr uint64_t one = 0x3ff0000000000000u, sign = 0x8000000000000000u;
  static constexpr double tanh_limit = 20.;
  static constexpr double sigmoid_limit = 0x1.6232bdd7abcd2p+9;
  // Taylor's series; the first term left out is 2e-18 of the value.
  static constexpr double q[] = {1. / 2,       1. / 6,        1. / 24,        1. / 120,
                                 1. / 720,     1. / 5040,     1. / 40320,     1. / 362880,
                                 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};
};

// e^x = scale + scale * expm1, with expm1 of the remainder of x by ln 2 (Cody and Waite 1980).
template <class S>
struct Exponential {
  Vec<S> scale, expm1;
};

// For |x| up to sigmoid_limit; expm1 within 1 ulp. NaN gives NaN.
template <class S>
ELMAN_INLINE Exponential<S> exponential(Vec<S> x) {
  using C = Constants<S>;
  constexpr S log2e = S(1.4426950408889634);
  const Vec<S> shifted = x * log2e + C::round;
  const Vec<S> n = shifted - C::round;
  const Vec<S> r = (x - n * C::ln2_high) - n * C::ln2_low;
  constexpr int terms = sizeof(C::q) / sizeof(S);
  Vec<S> q = broadcast(C::q[terms - 1]);
#pragma GCC unroll 16
  for (int k = terms - 2; k >= 0; --k) q = q * r + C::q[k];
  using N = typename Simd<S>::N;
  const N exponent = (reinterpret_cast<N>(shifted) << C::mantissa) + C::one;
  return {reinterpret_cast<Vec<S>>(exponent), (r * r) * q + r};
}

template <class S>
ELMAN_INLINE Vec<S> absolute(Vec<S> x) {
  using N = typename Simd<S>::N;
  return reinterpret_cast<Vec<S>>(reinterpret_cast<N>(x) & ~Constants<S>::sign);
}

// At most 3 ulp anywhere; odd to the bit, tanh(+-0) = +-0, tanh(+-inf) = +-1, NaN gives NaN.
template <class S>
ELMAN_INLINE Vec<S> tanh(Vec<S> x) {
  using C = Constants<S>;
  using N = typename Simd<S>::N;
  Vec<S> y = absolute<S>(x);
  y = y > C::tanh_limit ? broadcast(C::tanh_limit) : y;
  const Exponential<S> e = exponential<S>(y + y);
  const Vec<S> m = e.scale * e.expm1 + (e.scale - S(1));  // expm1(2y)
  const Vec<S> t = m / (m + S(2));
  return reinterpret_cast<Vec<S>>(reinterpret_cast<N>(t) | (reinterpret_cast<N>(x) & C::sign));
}

// At most 3 ulp where the result is a normal number, 0 below that; NaN gives NaN.
template <class S>
ELMAN_INLINE Vec<S> sigmoid(Vec<S> x) {
  using C = Constants<S>;
  const Vec<S> y = absolute<S>(x);
  const Vec<S> bounded = y > C::sigmoid_limit ? broadcast(C::sigmoid_limit) : y;
  const Exponential<S> e = exponential<S>(-bounded);
  Vec<S> z = (e.expm1 + S(1)) * e.scale;  // exp(-|x|)
  const Vec<S> d = z + S(1);
  z = y > C::sigmoid_limit ? Vec<S>{} : z;
  return (x < S(0) ? z : broadcast(S(1))) / d;
}

template <class S>
ELMAN_INLINE Vec<S> clip(Vec<S> x, S low, S high) {
  x = x < low ? broadcast(low) : x;  // comparisons are false for NaN, which stays
  return x > high ? broadcast(high) : x;
}

template <class S>
ELMAN_INLINE Vec<S> activate(Activation activation, Vec<S> x) {
  switch (activation) {
    case Activation::tanh: return tanh<S>(x);
    case Activation::sigmoid: return sigmoid<S>(x);
    case Activation::relu: return x < S(0) ? Vec<S>{} : x;
    case Activation::hard_sigmoid: return clip<S>(x * S(0.2) + S(0.5), 0, 1);
    case Activation::hard_sigmoid_keras3: return clip<S>(x + S(3), 0, 6) / S(6);
    case Activation::linear: break;
  }
  return x;
}

// The derivative of the activation, from its value y.
template <class S>
ELMAN_INLINE Vec<S> slope(Activation activation, Vec<S> y) {
  const auto inside = [&](S rate) {
    const Vec<S> rising = y > S(0) ? broadcast(rate) : Vec<S>{};
    return y < S(1) ? rising : Vec<S>{};
  };
  switch (activation) {
    case Activation::tanh: return S(1) - y * y;
    case Activation::sigmoid: return y - y * y;
    case Activation::relu: return y > S(0) ? broadcast(S(1)) : Vec<S>{};
    case Activation::hard_sigmoid: return inside(S(0.2));
    case Activation::hard_sigmoid_keras3: return inside(S(1) / S(6));
    case Activation::linear: break;
  }
  return broadcast(S(1));
}

// The two activations of a cell: the usual pair known to the compiler, or any.
template <class S>
struct UsualPair {
  explicit UsualPair(const Layer<S>&) {}
  static constexpr Activation f = Activation::tanh, s = Activation::sigmoid;
};

template <class S>
struct AnyPair {
  explicit AnyPair(const Layer<S>& layer) : f(layer.activation), s(layer.recurrent_activation) {}
  Activation f, s;
};

}  // namespace elman::ELMAN_TARGET
