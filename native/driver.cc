#include "driver.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "isa.h"
#include "memory.h"
#include "phases.h"
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

// A thread for each so many operations of a step's product with U, some 2 us: threads that go
// through the steps together meet in each of them.
constexpr double operations_each = 1.5e5;

// The threads, of `threads`, that go through time together with so many rows of a layer.
template <class S>
int members_of(const Layer<S>& layer, int64_t rows, int threads) {
  const double G = static_cast<double>(gate_count(layer.cell)), H = static_cast<double>(layer.H);
  const double by_work = 2 * static_cast<double>(rows) * G * H * H / operations_each;
  const double by_units = H / static_cast<double>(kernels<S>().units_each);
  return static_cast<int>(std::clamp<double>(std::min(by_work, by_units), 1, threads));
}

// One layer's part of a call: its packed weights, the rows of the batch in `groups`, and the units
// of a group in pieces for `members` threads.
template <class S>
struct Work {
  Work(const Layer<S>& layer_, Packing packing, int threads, int layers)
      : layer(layer_),
        groups(static_cast<int>(std::clamp<int64_t>(layer_.B / tile_rows, 1, threads))),
        members(members_of(layer_, most_rows(), std::max(1, threads / (groups * layers)))),
        packed(kernels<S>().packed_bytes(layer_, packing)) {
    const Kernels<S>& k = kernels<S>();
    k.pack(layer, packing, packed.data());
    for (int group = 0; group < groups; ++group) {
      // Of its own rows: fewer rows may need more, because more steps of them fit into a block.
      const Share own{first_row(group), first_row(group + 1), members};
      scratch.push_back(std::make_unique<Block>(packing.forward ? k.forward_bytes(layer, own)
                                                                : k.backward_bytes(layer, own)));
      phases.push_back(members > 1 ? std::make_unique<Phases>(members) : nullptr);
    }
  }
  int64_t first_row(int group) const { return layer.B * group / groups; }
  int64_t most_rows() const { return (layer.B + groups - 1) / groups; }
  int tasks() const { return groups * members; }
  Share share(int task) const {
    const int group = task / members;
    return {first_row(group), first_row(group + 1), members, task % members, phases[group].get()};
  }
  char* scratch_of(int task) const { return scratch[task / members]->data(); }

  const Layer<S>& layer;
  int groups, members;
  Block packed;
  std::vector<std::unique_ptr<Block>> scratch;  // of each group
  std::vector<std::unique_ptr<Phases>> phases;  // of each group
};

template <class S>
int threads_for(const Layer<S>* layers, int count) {
  double total = 0;
  for (int i = 0; i < count; ++i) total += operations(layers[i]);
  return total < least_operations ? 1 : threads_now();
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

namespace {

// Calls body(i, work of layer i, task) for all tasks.
template <class S, class Body>
void run_works(const Layer<S>* layers, int count, Packing packing, int threads, const Body& body) {
  std::vector<std::unique_ptr<Work<S>>> works;
  std::vector<int> tasks;
  for (int i = 0; i < count; ++i) {
    works.push_back(std::make_unique<Work<S>>(layers[i], packing, threads, count));
    tasks.push_back(works.back()->tasks());
  }
  run_all(tasks, threads, [&](int i, int task) { body(i, *works[i], task); });
}

}  // namespace

template <class S>
void forward(const Layer<S>* layers, int count) {
  const auto body = [&](int, const Work<S>& work, int task) {
    kernels<S>().forward(work.layer, work.packed.data(), work.share(task), work.scratch_of(task));
  };
  run_works(layers, count, Packing{true, false}, threads_for(layers, count), body);
}

template <class S>
void backward(const Layer<S>* layers, const Gradients<S>* gradients, int count) {
  const Kernels<S>& k = kernels<S>();
  const int threads = threads_for(layers, count);
  std::vector<std::unique_ptr<Block>> da;
  for (int i = 0; i < count; ++i) {
    da.push_back(std::make_unique<Block>(k.da_size(layers[i]) * sizeof(S)));
  }
  run_works(
      layers, count, Packing{false, true}, threads, [&](int i, const Work<S>& work, int task) {
        k.backward(layers[i], gradients[i], work.packed.data(), reinterpret_cast<S*>(da[i]->data()),
                   work.share(task), work.scratch_of(task));
      });

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
