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
//   b    first row of B; the rows are b_step apart, the vectors of one side by side
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
  if constexpr (rows <= tile_rows(vectors)) {
    return tile<S, rows, vectors>;
  } else {
    return nullptr;
  }
}

template <class S>
struct Tiles {
#define ELMAN_ROWS(n)                                                         \
  {tile_or_null<S, 1, n>(), tile_or_null<S, 2, n>(), tile_or_null<S, 3, n>(), \
   tile_or_null<S, 4, n>(), tile_or_null<S, 5, n>(), tile_or_null<S, 6, n>(), \
   tile_or_null<S, 7, n>(), tile_or_null<S, 8, n>()}
  static constexpr Tile<S> of[panel_vectors][max_tile_rows] = {ELMAN_ROWS(1), ELMAN_ROWS(2),
                                                               ELMAN_ROWS(3), ELMAN_ROWS(4)};
#undef ELMAN_ROWS
};

// Rows in tiles whose sizes differ by one at most: 32 is 6 + 6 + 5 + 5 + 5 + 5.
template <class S>
void tile_column(const S* const* a, const RowLayout& layout, const S* b, Index b_step, S* const* c,
                 const Index* dst, Index rows, Index vectors) {
  const Index widest = rows <= tile_rows(panel_vectors) ? panel_vectors : tile_vectors;
  for (Index n = 0; n < vectors; n += widest) {
    const Index width = least(widest, vectors - n);
    const Index count = ceil_div(rows, tile_rows(width));
    for (Index i = 0; i < count; ++i) {
      const Index first = rows * i / count, last = rows * (i + 1) / count;
      Tiles<S>::of[width - 1][last - first - 1](a + first, layout, b + n * lanes<S>, b_step,
                                                c + first, dst + n);
    }
  }
}

// The right-hand matrix of a product. Vector v of its columns is slot `first_slot + v % group` of
// unit block v / group, and is added to a row of C at (block * slots + slot) * lanes. Packed, the
// vectors are in panels of `per_panel`, [K][per_panel][lanes]; or the matrix is read where it
// lies, which saves the packing that a few rows do not repay, and is one panel.
template <class S>
struct Packed {
  const S* data;
  Index K, vectors, group, first_slot, slots;
  const S* matrix = nullptr;  // [K, columns], or null where `data` is used
  Index columns = 0, H = 0;
  const int* gate_of_slot = nullptr;

  // Whole unit blocks in a panel, so that a panel's blocks are finished with it.
  Index per_panel() const { return matrix ? vectors : group == 3 ? 3 : panel_vectors; }
  Index blocks_per_panel() const { return per_panel() / group; }
  Index panels() const { return ceil_div(vectors, per_panel()); }
  Index size() const { return matrix ? 0 : K * vectors * lanes<S>; }
  Index width(Index panel) const { return least(per_panel(), vectors - panel * per_panel()); }
  const S* panel(Index panel) const { return data + panel * per_panel() * K * lanes<S>; }
  Index offset(Index v) const { return (v / group * slots + first_slot + v % group) * lanes<S>; }
};

constexpr int most_rows_in_place = 8;

// C[m] += A[m] B in the blocks [first, stop), for a few rows and B where it lies: some rows of B at
// a time over all of these columns, nearly in the order of memory.
template <class S>
void multiply_in_place(const S* const* a, const Packed<S>& b, S* const* c, Index rows, Index first,
                       Index stop) {
  constexpr Index L = lanes<S>;
  const Index rows_at_once = 4 + 64 * 1024 / (b.columns * Index(sizeof(S)));
  const S* left[most_rows_in_place];
  for (Index k = 0; k < b.K; k += rows_at_once) {
    const RowLayout layout{1, least(rows_at_once, b.K - k), 0, 1};
    for (Index m = 0; m < rows; ++m) left[m] = a[m] + k;
    for (Index slot = 0; slot < b.group; ++slot) {
      const S* from = b.matrix + k * b.columns + b.gate_of_slot[b.first_slot + slot] * b.H;
      for (Index block = first; block < stop; block += panel_vectors) {
        const Index width = least(panel_vectors, stop - block);
        Index dst[panel_vectors];
        for (Index n = 0; n < width; ++n) dst[n] = b.offset((block + n) * b.group + slot);
        tile_column(left, layout, from + block * L, b.columns, c, dst, rows, width);
      }
    }
  }
}

// C[m] += A[m] B in the unit blocks [first, stop), which begin with a panel. a and c are [rows]
// pointers to rows of A and C.
template <class S>
void multiply(const S* const* a, const RowLayout& layout, const Packed<S>& b, S* const* c,
              Index rows, Index first, Index stop) {
  if (b.matrix) return multiply_in_place(a, b, c, rows, first, stop);
  const Index each = b.blocks_per_panel();
  for (Index panel = first / each; panel < ceil_div(stop, each); ++panel) {
    const Index width = b.width(panel);
    Index dst[panel_vectors];
    for (Index n = 0; n < width; ++n) dst[n] = b.offset(panel * b.per_panel() + n);
    tile_column(a, layout, b.panel(panel), width * lanes<S>, c, dst, rows, width);
  }
}

}  // namespace elman::ELMAN_TARGET
