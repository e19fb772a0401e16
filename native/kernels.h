// The kernels of one instruction set, as the driver sees them.
#pragma once

#include <cstddef>

#include "layer.h"
#include "phases.h"

namespace elman {

// Which products the weights are packed for.
struct Packing {
  bool forward, backward;
};

// What one thread does of a layer: rows [first, last) of the batch, and of these, where `members`
// threads go through time together, the pieces of the units that it gets.
struct Share {
  int64_t first, last;
  int members = 1, member = 0;
  Phases* phases = nullptr;  // of all members; null where there is one
};

template <class S>
struct Kernels {
  int64_t units_each;  // the units that a member of a share takes are a multiple of this

  int64_t (*saved_width)(const Layer<S>&);  // the last axis of Layer::saved

  // `pack` fills packed_bytes at `packed`, aligned to 64 bytes, for one of forward and backward.
  std::size_t (*packed_bytes)(const Layer<S>&, Packing);
  void (*pack)(const Layer<S>&, Packing, char* packed);

  // A share of the layer through time. `scratch`: forward_bytes of a share of as many rows and
  // members, one for all members, aligned to 64 bytes, content undefined.
  std::size_t (*forward_bytes)(const Layer<S>&, const Share&);
  void (*forward)(const Layer<S>&, char* packed, const Share&, char* scratch);

  // Likewise back; leaves the gradients of the pre-activations in `da`, da_size elements that
  // `weights` reads.
  int64_t (*da_size)(const Layer<S>&);
  std::size_t (*backward_bytes)(const Layer<S>&, const Share&);
  void (*backward)(const Layer<S>&, const Gradients<S>&, char* packed, S* da, const Share&,
                   char* scratch);

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
