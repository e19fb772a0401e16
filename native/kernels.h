// The kernels of one instruction set, as the driver sees them.
#pragma once

#include <cstddef>

#include "layer.h"

namespace elman {

// Which products the weights are packed for.
struct Packing {
  bool forward, backward;
};

template <class S>
struct Kernels {
  int64_t lanes;  // elements in a vector

  int64_t (*saved_width)(const Layer<S>&);  // the last axis of Layer::saved

  // `pack` fills packed_bytes at `packed`, aligned to 64 bytes, for one of forward and backward.
  std::size_t (*packed_bytes)(const Layer<S>&, Packing);
  void (*pack)(const Layer<S>&, Packing, char* packed);

  // Rows [first, last) of the batch through time. `scratch`: forward_bytes of as many rows,
  // aligned to 64 bytes, content undefined.
  std::size_t (*forward_bytes)(const Layer<S>&, int64_t rows);
  void (*forward)(const Layer<S>&, char* packed, int64_t first, int64_t last, char* scratch);

  // Likewise back; leaves the gradients of the pre-activations in `da`, da_size elements that
  // `weights` reads.
  int64_t (*da_size)(const Layer<S>&);
  std::size_t (*backward_bytes)(const Layer<S>&, int64_t rows);
  void (*backward)(const Layer<S>&, const Gradients<S>&, char* packed, S* da, int64_t first,
                   int64_t last, char* scratch);

  // One of `shares` shares of the gradients of the weights, at most most_shares.
  int64_t (*most_shares)(const Layer<S>&);
  std::size_t (*weights_bytes)(const Layer<S>&, int64_t shares);
  void (*weights)(const Layer<S>&, const Gradients<S>&, const S* da, int64_t share, int64_t shares,
                  char* scratch);

  // y[i] = activation(x[i]); x and y may be the same.
  void (*apply)(Activation, const S* x, S* y, int64_t count);

  // Multiplies and adds in registers, `rounds` times as many as a tile holds, and gives their
  // number: what the processor can do at most, for benchmarks.
  double (*multiply_adds)(int64_t rounds);
};

}  // namespace elman
