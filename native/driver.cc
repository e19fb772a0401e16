#include "driver.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "isa.h"
#include "memory.h"
#include "team.h"

namespace elman {
namespace {

// Rows that fill a register tile: a thread with fewer costs as much as one with so many.
constexpr int64_t tile_rows = 6;

// Below this a call takes some 20 us, and waking a thread would cost as much as it saves.
constexpr double least_operations = 2e6;

template <class S>
double operations(const Layer<S>& layer) {
  const double gates = static_cast<double>(gate_count(layer.cell));
  return 2. * static_cast<double>(layer.T * layer.B) * gates * static_cast<double>(layer.H) *
         static_cast<double>(layer.I + layer.H);
}

// One layer's part of a call: its packed weights, and the rows of the batch in `groups`.
template <class S>
struct Work {
  Work(const Layer<S>& layer_, Packing packing, int threads)
      : layer(layer_),
        groups(static_cast<int>(std::clamp<int64_t>(layer_.B / tile_rows, 1, threads))),
        packed(kernels<S>().packed_bytes(layer_, packing)) {
    kernels<S>().pack(layer_, packing, packed.data());
  }
  int64_t first(int group) const { return layer.B * group / groups; }
  int64_t most_rows() const { return (layer.B + groups - 1) / groups; }

  const Layer<S>& layer;
  int groups;
  Block packed;
};

template <class S>
int threads_for(const Layer<S>* layers, int count) {
  double total = 0;
  for (int i = 0; i < count; ++i) total += operations(layers[i]);
  return total < least_operations ? 1 : num_threads();
}

// Calls body(layer, index) for each index below each layer's number, spread over the threads.
template <class Body>
void run_all(const std::vector<int>& numbers, int threads, const Body& body) {
  std::vector<std::pair<int, int>> tasks;
  for (int layer = 0; layer < static_cast<int>(numbers.size()); ++layer) {
    for (int i = 0; i < numbers[layer]; ++i) tasks.emplace_back(layer, i);
  }
  const auto one = [&](int i) { body(tasks[i].first, tasks[i].second); };
  const int count = static_cast<int>(tasks.size());
  if (threads > 1) return run_tasks(count, one);
  for (int i = 0; i < count; ++i) one(i);
}

}  // namespace

template <class S>
int64_t saved_width(const Layer<S>& layer) {
  return kernels<S>().saved_width(layer);
}

template <class S>
void forward(const Layer<S>* layers, int count) {
  const Kernels<S>& k = kernels<S>();
  const int threads = threads_for(layers, count);
  std::vector<std::unique_ptr<Work<S>>> works;
  std::vector<std::vector<std::unique_ptr<Block>>> scratch(count);
  std::vector<int> groups;
  for (int i = 0; i < count; ++i) {
    works.push_back(std::make_unique<Work<S>>(layers[i], Packing{true, false}, threads));
    const Work<S>& work = *works.back();
    groups.push_back(work.groups);
    for (int g = 0; g < work.groups; ++g) {
      const std::size_t bytes = k.forward_bytes(layers[i], work.most_rows());
      scratch[i].push_back(std::make_unique<Block>(bytes));
    }
  }
  run_all(groups, threads, [&](int i, int g) {
    const Work<S>& work = *works[i];
    k.forward(layers[i], work.packed.data(), work.first(g), work.first(g + 1),
              scratch[i][g]->data());
  });
}

namespace {

// The loop through time back, for every layer; leaves the gradients of the pre-activations in
// `da`.
template <class S>
void backward_rows(const Layer<S>* layers, const Gradients<S>* gradients, int count, int threads,
                   const std::vector<std::unique_ptr<Block>>& da) {
  const Kernels<S>& k = kernels<S>();
  std::vector<std::unique_ptr<Work<S>>> works;
  std::vector<std::vector<std::unique_ptr<Block>>> scratch(count);
  std::vector<int> groups;
  for (int i = 0; i < count; ++i) {
    works.push_back(std::make_unique<Work<S>>(layers[i], Packing{false, true}, threads));
    const Work<S>& work = *works.back();
    groups.push_back(work.groups);
    for (int g = 0; g < work.groups; ++g) {
      const std::size_t bytes = k.backward_bytes(layers[i], work.most_rows());
      scratch[i].push_back(std::make_unique<Block>(bytes));
    }
  }
  run_all(groups, threads, [&](int i, int g) {
    const Work<S>& work = *works[i];
    k.backward(layers[i], gradients[i], work.packed.data(), reinterpret_cast<S*>(da[i]->data()),
               work.first(g), work.first(g + 1), scratch[i][g]->data());
  });
}

}  // namespace

template <class S>
void backward(const Layer<S>* layers, const Gradients<S>* gradients, int count) {
  const Kernels<S>& k = kernels<S>();
  const int threads = threads_for(layers, count);
  std::vector<std::unique_ptr<Block>> da;
  for (int i = 0; i < count; ++i) {
    da.push_back(std::make_unique<Block>(k.da_size(layers[i]) * sizeof(S)));
  }
  backward_rows(layers, gradients, count, threads, da);

  std::vector<std::vector<std::unique_ptr<Block>>> scratch(count);
  std::vector<int> shares;
  for (int i = 0; i < count; ++i) {
    shares.push_back(static_cast<int>(std::min<int64_t>(threads, k.most_shares(layers[i]))));
    for (int share = 0; share < shares[i]; ++share) {
      const std::size_t bytes = k.weights_bytes(layers[i], shares[i]);
      scratch[i].push_back(std::make_unique<Block>(bytes));
    }
  }
  run_all(shares, threads, [&](int i, int share) {
    k.weights(layers[i], gradients[i], reinterpret_cast<const S*>(da[i]->data()), share, shares[i],
              scratch[i][share]->data());
  });
}

template int64_t saved_width(const Layer<float>&);
template int64_t saved_width(const Layer<double>&);
template void forward(const Layer<float>*, int);
template void forward(const Layer<double>*, int);
template void backward(const Layer<float>*, const Gradients<float>*, int);
template void backward(const Layer<double>*, const Gradients<double>*, int);

}  // namespace elman
