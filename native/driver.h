// Layers forward and backward, on the team.
#pragma once

#include "layer.h"

namespace elman {

// The last axis that `saved` must have.
template <class S>
int64_t saved_width(const Layer<S>& layer);

// `count` layers side by side, such as the two directions of one; they share no results. Throws
// std::bad_alloc.
template <class S>
void forward(const Layer<S>* layers, int count);

template <class S>
void backward(const Layer<S>* layers, const Gradients<S>* gradients, int count);

}  // namespace elman
