// What a recurrent layer computes on: shapes, options and the caller's arrays. No instruction set
// and no framework is known here.
//
// Letters: B batch, T timesteps, I input features, H units, G gates. Every array is contiguous,
// rows first, and belongs to the caller; nothing is kept after the call. "Or null" marks what may
// be null. Results alias nothing.
#pragma once

#include <cstdint>

namespace elman {

enum class Cell : int { simple_rnn, lstm, gru, gru_reset_before };

enum class Activation : int { linear, tanh, sigmoid, relu, hard_sigmoid, hard_sigmoid_keras3 };

// 1 SimpleRNN, 4 LSTM (i f c o), 3 GRU (z r h): the order of the columns of kernel and bias.
__attribute__((always_inline)) constexpr int64_t gate_count(Cell cell) {
  return cell == Cell::simple_rnn ? 1 : cell == Cell::lstm ? 4 : 3;
}

template <class S>
struct Layer {
  Cell cell;
  Activation activation, recurrent_activation;
  bool go_backwards;          // from the last step to the first; outputs are in that order
  bool zero_output_for_mask;  // zeros, not the previous output, at masked steps
  int64_t B, T, I, H;

  const S* x;                  // [B, T, I]
  const S* h0;                 // [B, H] or null: zeros
  const S* c0;                 // [B, H] or null: zeros; LSTM only
  const S* kernel;             // [I, G * H]
  const S* recurrent_kernel;   // [H, G * H]
  const S* bias;               // [G * H], gru [2, G * H], or null: zeros
  const uint8_t* mask;         // [B, T], 0 where a step is masked, or null: no step is
  const S* input_dropout;      // [input_masks, B, I], multiplies x at each step, or null
  const S* recurrent_dropout;  // [recurrent_masks, B, H], multiplies h in the products with U,
                               // or null
  int64_t input_masks, recurrent_masks;  // 1 for all gates, or G: one each

  // Results of forward; backward reads outputs and saved.
  S* outputs;  // [B, T, H] or null where saved is null
  S* last;     // [B, H]
  S* h;        // [B, H] final state
  S* c;        // [B, H] final state; LSTM only, else null
  S* saved;    // [T, B, saved_width()] for backward, or null
};

template <class S>
struct Gradients {
  const S* d_outputs;  // [B, T, H] or null: zeros
  const S* d_last;     // [B, H] or null: zeros
  const S* d_h;        // [B, H] or null: zeros
  const S* d_c;        // [B, H] or null: zeros

  S* dx;                  // [B, T, I]
  S* dh0;                 // [B, H]
  S* dc0;                 // [B, H]; LSTM only, else null
  S* d_kernel;            // [I, G * H]
  S* d_recurrent_kernel;  // [H, G * H]
  S* d_bias;              // like bias, or null where there is none
};

}  // namespace elman
