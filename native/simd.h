// Vectors of the instruction set this file is compiled for, written with the compiler's vector
// extensions. CMakeLists.txt gives ELMAN_TARGET (a namespace, one per instruction set),
// ELMAN_VECTOR_BYTES and ELMAN_VECTOR_REGISTERS.
//
// Everything compiled more than once lives in that namespace and uses no templates or inline
// functions of the standard library: the linker keeps one copy of those, which may be of an
// instruction set that this machine lacks.
#pragma once

#include <cstdint>

#define ELMAN_INLINE inline __attribute__((always_inline))

namespace elman::ELMAN_TARGET {

using Index = int64_t;

// V a vector, U the same anywhere in memory, N and Bits its elements as unsigned integers.
template <class S>
struct Simd;

template <>
struct Simd<float> {
  using Bits = uint32_t;
  typedef float V __attribute__((vector_size(ELMAN_VECTOR_BYTES)));
  typedef float U __attribute__((vector_size(ELMAN_VECTOR_BYTES), aligned(4), may_alias));
  typedef uint32_t N __attribute__((vector_size(ELMAN_VECTOR_BYTES)));
};

template <>
struct Simd<double> {
  using Bits = uint64_t;
  typedef double V __attribute__((vector_size(ELMAN_VECTOR_BYTES)));
  typedef double U __attribute__((vector_size(ELMAN_VECTOR_BYTES), aligned(8), may_alias));
  typedef uint64_t N __attribute__((vector_size(ELMAN_VECTOR_BYTES)));
};

template <class S>
using Vec = typename Simd<S>::V;

template <class S>
constexpr Index lanes = ELMAN_VECTOR_BYTES / sizeof(S);

template <class S>
ELMAN_INLINE Vec<S> load(const S* p) {
  return *reinterpret_cast<const typename Simd<S>::U*>(p);
}

template <class S>
ELMAN_INLINE void store(S* p, Vec<S> v) {
  *reinterpret_cast<typename Simd<S>::U*>(p) = v;
}

// The first n lanes only, 0 <= n <= lanes; the others are zeros.
template <class S>
ELMAN_INLINE Vec<S> load_part(const S* p, Index n) {
  if (n == lanes<S>) return load(p);
  Vec<S> v{};
  __builtin_memcpy(&v, p, static_cast<std::size_t>(n) * sizeof(S));
  return v;
}

template <class S>
ELMAN_INLINE void store_part(S* p, Vec<S> v, Index n) {
  if (n == lanes<S>) return store(p, v);
  __builtin_memcpy(p, &v, static_cast<std::size_t>(n) * sizeof(S));
}

template <class S>
ELMAN_INLINE Vec<S> broadcast(S value) {
  return value - Vec<S>{};
}

ELMAN_INLINE Index least(Index a, Index b) { return a < b ? a : b; }
ELMAN_INLINE Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

}  // namespace elman::ELMAN_TARGET
