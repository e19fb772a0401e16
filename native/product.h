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
constexpr int max_spread_rows = 4;  // of tiles that read B where it lies

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
//   b    first row of B; the rows are b_step apart
//   src  [vectors] offsets in a row of B where `spread`; else its vectors are side by side
//   c    [rows] pointers to rows of C
//   dst  [vectors] offsets in a row of C
template <class S, int rows, int vectors, bool spread>
void tile(const S* const* a, const RowLayout& layout, const S* b, Index b_step, const Index* src,
          S* const* c, const Index* dst) {
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
      for (int n = 0; n < vectors; ++n) row[n] = load(b + (spread ? src[n] : n * L));
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
using Tile = void (*)(const S* const*, const RowLayout&, const S*, Index, const Index*, S* const*,
                      const Index*);

template <class S, int rows, int vectors, bool spread>
constexpr Tile<S> tile_or_null() {
  constexpr int most = spread ? max_spread_rows : max_tile_rows;
  if constexpr (rows <= tile_rows(vectors) && rows <= most) {
    return tile<S, rows, vectors, spread>;
  } else {
    return nullptr;
  }
}

template <class S, bool spread>
struct Tiles {
#define ELMAN_ROWS(n)                                                \
  {tile_or_null<S, 1, n, spread>(), tile_or_null<S, 2, n, spread>(), \
   tile_or_null<S, 3, n, spread>(), tile_or_null<S, 4, n, spread>(), \
   tile_or_null<S, 5, n, spread>(), tile_or_null<S, 6, n, spread>(), \
   tile_or_null<S, 7, n, spread>(), tile_or_null<S, 8, n, spread>()}
  static constexpr Tile<S> of[panel_vectors][max_tile_rows] = {ELMAN_ROWS(1), ELMAN_ROWS(2),
                                                               ELMAN_ROWS(3), ELMAN_ROWS(4)};
#undef ELMAN_ROWS
};

// Rows in tiles whose sizes differ by one at most: 32 is 6 + 6 + 5 + 5 + 5 + 5.
template <class S, bool spread = false>
void tile_column(const S* const* a, const RowLayout& layout, const S* b, Index b_step,
                 const Index* src, S* const* c, const Index* dst, Index rows, Index vectors) {
  const Index widest = rows <= tile_sums / panel_vectors ? panel_vectors : tile_vectors;
  for (Index n = 0; n < vectors; n += widest) {
    const Index width = least(widest, vectors - n);
    const Index most = spread ? least(max_spread_rows, tile_rows(width)) : tile_rows(width);
    const Index count = ceil_div(rows, most);
    for (Index i = 0; i < count; ++i) {
      const Index first = rows * i / count, last = rows * (i + 1) / count;
      Tiles<S, spread>::of[width - 1][last - first - 1](
          a + first, layout, spread ? b : b + n * lanes<S>, b_step, src + n, c + first, dst + n);
    }
  }
}

// The right-hand matrix of a product: vectors of its columns in panels of `per_panel`. Vector v is
// slot `first_slot + v % group` of unit block v / group, and is added to a row of C at
// (block * slots + slot) * lanes. Packed, a panel is [K][per_panel][lanes]; or it is read where it
// lies, in `matrix` of `columns` columns, which saves the packing that a few rows do not repay.
template <class S>
struct Packed {
  const S* data;
  Index K, vectors, group, first_slot, slots;
  const S* matrix = nullptr;  // [K, columns], or null where `data` is used
  Index columns = 0, H = 0;
  const int* gate_of_slot = nullptr;

  // Whole unit blocks in a panel, so that a panel's blocks are finished with it.
  Index per_panel() const { return group == 3 ? 3 : panel_vectors; }
  Index panels() const { return ceil_div(vectors, per_panel()); }
  Index size() const { return matrix ? 0 : K * vectors * lanes<S>; }
  Index width(Index panel) const { return least(per_panel(), vectors - panel * per_panel()); }
  const S* panel(Index panel) const { return data + panel * per_panel() * K * lanes<S>; }
  Index offset(Index v) const { return (v / group * slots + first_slot + v % group) * lanes<S>; }
  Index source(Index v) const {
    return gate_of_slot[first_slot + v % group] * H + v / group * lanes<S>;
  }
};

// C[m] += A[m] B in the columns of one panel. a and c are [rows] pointers to rows of A and C.
template <class S>
void multiply_panel(const S* const* a, const RowLayout& layout, const Packed<S>& b, Index panel,
                    S* const* c, Index rows) {
  const Index width = b.width(panel), first = panel * b.per_panel();
  Index dst[panel_vectors], src[panel_vectors] = {};
  for (Index n = 0; n < width; ++n) dst[n] = b.offset(first + n);
  if (!b.matrix) {
    tile_column(a, layout, b.panel(panel), width * lanes<S>, src, c, dst, rows, width);
    return;
  }
  for (Index n = 0; n < width; ++n) src[n] = b.source(first + n);
  tile_column<S, true>(a, layout, b.matrix, b.columns, src, c, dst, rows, width);
}

template <class S>
void multiply(const S* const* a, const RowLayout& layout, const Packed<S>& b, S* const* c,
              Index rows) {
  for (Index p = 0; p < b.panels(); ++p) multiply_panel(a, layout, b, p, c, rows);
}

}  // namespace elman::ELMAN_TARGET
