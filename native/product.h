// Matrix products C += A B on register tiles, and the packing of B for them.
#pragma once

#include "simd.h"

namespace elman::ELMAN_TARGET {

// A tile holds rows x vectors sums in registers: 24 of 32 registers, 12 of 16; the rest hold a
// row of B and an element of A.
constexpr int tile_vectors = ELMAN_VECTOR_REGISTERS >= 32 ? 4 : 2;
constexpr int panel_vectors = 4;
constexpr int tile_sums = ELMAN_VECTOR_REGISTERS >= 32 ? 24 : 12;
constexpr int max_tile_rows = 8;

constexpr int tile_rows(Index vectors) {
  return static_cast<int>(tile_sums / vectors < max_tile_rows ? tile_sums / vectors
                                                              : max_tile_rows);
}

// How the elements of a row of A lie: `segments` runs of `length`, `stride` from start to start,
// elements `step` apart.
struct RowLayout {
  Index segments, length, stride, step;
};

// C[m][dst[n] + lane] += sum over k of A[m][k] * B[k][n][lane], k in order: every element is one
// chain of sums, whatever the tile.
//   a    [rows] pointers to rows of A, laid out as `layout` says
//   b    first vector of the first row of B; the rows are b_step apart
//   c    [rows] pointers to rows of C
//   dst  [vectors] offsets in a row of C
template <class S, int rows, int vectors>
void tile(const S* const* a, const RowLayout& layout, const S* b, Index b_step, S* const* c,
          const Index* dst) {
  constexpr Index L = lanes<S>;
  Vec<S> sum[rows][vectors];
#pragma GCC unroll 8
  for (int m = 0; m < rows; ++m) {
#pragma GCC unroll 4
    for (int n = 0; n < vectors; ++n) sum[m][n] = load(c[m] + dst[n]);
  }
  for (Index segment = 0; segment < layout.segments; ++segment) {
    const Index start = segment * layout.stride;
    const Index stop = start + layout.length * layout.step;
    for (Index k = start; k < stop; k += layout.step) {
      Vec<S> row[vectors];
#pragma GCC unroll 4
      for (int n = 0; n < vectors; ++n) row[n] = load(b + n * L);
#pragma GCC unroll 8
      for (int m = 0; m < rows; ++m) {
        const Vec<S> element = broadcast(a[m][k]);
#pragma GCC unroll 4
        for (int n = 0; n < vectors; ++n) sum[m][n] = element * row[n] + sum[m][n];
      }
      b += b_step;
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < rows; ++m) {
#pragma GCC unroll 4
    for (int n = 0; n < vectors; ++n) store(c[m] + dst[n], sum[m][n]);
  }
}

template <class S>
using Tile = void (*)(const S* const*, const RowLayout&, const S*, Index, S* const*, const Index*);

template <class S, int rows, int vectors>
constexpr Tile<S> tile_or_null() {
  if constexpr (vectors <= tile_vectors && rows <= tile_rows(vectors)) {
    return tile<S, rows, vectors>;
  } else {
    return nullptr;
  }
}

template <class S>
struct Tiles {
#define ELMAN_ROWS(vectors)                                                                     \
  {tile_or_null<S, 1, vectors>(), tile_or_null<S, 2, vectors>(), tile_or_null<S, 3, vectors>(), \
   tile_or_null<S, 4, vectors>(), tile_or_null<S, 5, vectors>(), tile_or_null<S, 6, vectors>(), \
   tile_or_null<S, 7, vectors>(), tile_or_null<S, 8, vectors>()}
  static constexpr Tile<S> of[panel_vectors][max_tile_rows] = {ELMAN_ROWS(1), ELMAN_ROWS(2),
                                                               ELMAN_ROWS(3), ELMAN_ROWS(4)};
#undef ELMAN_ROWS
};

// Rows in tiles whose sizes differ by one at most: 32 is 6 + 6 + 5 + 5 + 5 + 5.
template <class S>
void tile_column(const S* const* a, const RowLayout& layout, const S* b, Index b_step, S* const* c,
                 const Index* dst, Index rows, Index vectors) {
  for (Index n = 0; n < vectors; n += tile_vectors) {
    const Index width = least(tile_vectors, vectors - n);
    const Index count = ceil_div(rows, tile_rows(width));
    for (Index i = 0; i < count; ++i) {
      const Index first = rows * i / count, last = rows * (i + 1) / count;
      Tiles<S>::of[width - 1][last - first - 1](a + first, layout, b + n * lanes<S>, b_step,
                                                c + first, dst + n);
    }
  }
}

// The right-hand matrix of a product, packed: vectors of its columns in panels of `per_panel`,
// each panel [K][per_panel][lanes]. Vector v is slot `first_slot + v % group` of unit block
// v / group, and is added to a row of C at (block * slots + slot) * lanes.
template <class S>
struct Packed {
  const S* data;
  Index K, vectors, group, first_slot, slots;

  // Whole unit blocks in a panel, so that a panel's blocks are finished with it.
  Index per_panel() const { return group == 3 ? 3 : panel_vectors; }
  Index panels() const { return ceil_div(vectors, per_panel()); }
  Index size() const { return K * vectors * lanes<S>; }
  Index width(Index panel) const { return least(per_panel(), vectors - panel * per_panel()); }
  const S* panel(Index panel) const { return data + panel * per_panel() * K * lanes<S>; }
  Index offset(Index v) const { return (v / group * slots + first_slot + v % group) * lanes<S>; }
};

// C[m] += A[m] B in the columns of one panel. a and c are [rows] pointers to rows of A and C.
template <class S>
void multiply_panel(const S* const* a, RowLayout layout, const Packed<S>& b, Index panel,
                    S* const* c, Index rows) {
  const Index width = b.width(panel), b_step = width * lanes<S>;
  Index dst[panel_vectors];
  for (Index n = 0; n < width; ++n) dst[n] = b.offset(panel * b.per_panel() + n);
  tile_column(a, layout, b.panel(panel), b_step, c, dst, rows, width);
}

template <class S>
void multiply(const S* const* a, const RowLayout& layout, const Packed<S>& b, S* const* c,
              Index rows) {
  for (Index p = 0; p < b.panels(); ++p) multiply_panel(a, layout, b, p, c, rows);
}

}  // namespace elman::ELMAN_TARGET
