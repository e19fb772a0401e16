// The cells in plain double loops, forward and backward: what the kernels are held to.
#pragma once

#include <cmath>
#include <vector>

#include "check.h"
#include "layer.h"

namespace elman::scalar {

using Numbers = std::vector<double>;

inline double value(Activation activation, double x) {
  switch (activation) {
    case Activation::tanh: return std::tanh(x);
    case Activation::sigmoid: return 1 / (1 + std::exp(-x));
    case Activation::relu: return std::fmax(x, 0);
    case Activation::hard_sigmoid: return std::fmin(std::fmax(0.2 * x + 0.5, 0), 1);
    case Activation::hard_sigmoid_keras3: return std::fmin(std::fmax(x + 3, 0), 6) / 6;
    case Activation::linear: break;
  }
  return x;
}

inline double derivative(Activation activation, double x) {
  const double y = value(activation, x);
  switch (activation) {
    case Activation::tanh: return 1 - y * y;
    case Activation::sigmoid: return y * (1 - y);
    case Activation::relu: return x > 0;
    case Activation::hard_sigmoid: return std::fabs(x) < 2.5 ? 0.2 : 0;
    case Activation::hard_sigmoid_keras3: return std::fabs(x) < 3 ? 1. / 6 : 0;
    case Activation::linear: break;
  }
  return 1;
}

struct Options {
  Activation f, s;
  bool go_backwards, zero_output_for_mask, masked, dropout, states, bias, mask_each_gate;
};

// A layer, arrays for it, and its results. The notation is that of layer.h.
struct Problem {
  Problem(Cell cell_, int64_t B_, int64_t T_, int64_t I_, int64_t H_, test::Random& random)
      : cell(cell_), B(B_), T(T_), I(I_), H(H_), G(gate_count(cell_)) {
    const double scale = 1 / std::sqrt(static_cast<double>(I + H));
    x = random.values<double>(B * T * I);
    h0 = random.values<double>(B * H);
    c0 = random.values<double>(B * H);
    kernel = random.values<double>(I * G * H, scale);
    recurrent_kernel = random.values<double>(H * G * H, scale);
    bias = random.values<double>((cell == Cell::gru ? 2 : 1) * G * H);
    input_dropout = random.values<double>(G * B * I);
    recurrent_dropout = random.values<double>(G * B * H);
    d_outputs = random.values<double>(B * T * H);
    d_last = random.values<double>(B * H);
    d_h = random.values<double>(B * H);
    d_c = random.values<double>(B * H);
    mask.resize(static_cast<std::size_t>(B * T));
    for (uint8_t& m : mask) m = random.next() < 0.2;
    for (int64_t t = 0; B > 1 && t < T; ++t) mask[t] = 0;  // a row masked throughout
  }

  Cell cell;
  int64_t B, T, I, H, G;
  Options options{};
  Numbers x, h0, c0, kernel, recurrent_kernel, bias, input_dropout, recurrent_dropout;
  std::vector<uint8_t> mask;
  Numbers d_outputs, d_last, d_h, d_c;
  Numbers outputs, last, h, c, dx, dh0, dc0, d_kernel, d_recurrent_kernel, d_bias;

  int64_t masks() const { return options.mask_each_gate ? G : 1; }

  void solve() {
    outputs.assign(B * T * H, 0);
    last.assign(B * H, 0);
    h.assign(B * H, 0);
    c.assign(B * H, 0);
    dx.assign(B * T * I, 0);
    dh0.assign(B * H, 0);
    dc0.assign(B * H, 0);
    d_kernel.assign(I * G * H, 0);
    d_recurrent_kernel.assign(H * G * H, 0);
    d_bias.assign(bias.size(), 0);
    for (int64_t b = 0; b < B; ++b) row(b);
  }

 private:
  // What a step keeps for the way back: the states before it, p = x W + b and q = h U + d.
  struct Step {
    int64_t t = 0, output = 0;
    Numbers h, c, p, q;
  };

  double keep_x(int64_t g, int64_t b, int64_t i) const {
    return options.dropout ? input_dropout[((masks() > 1 ? g : 0) * B + b) * I + i] : 1;
  }
  double keep_h(int64_t g, int64_t b, int64_t k) const {
    return options.dropout ? recurrent_dropout[((masks() > 1 ? g : 0) * B + b) * H + k] : 1;
  }
  double input(int64_t g, int64_t b, int64_t t, int64_t i) const {
    return x[(b * T + t) * I + i] * keep_x(g, b, i);
  }
  double f(double a) const { return value(options.f, a); }
  double s(double a) const { return value(options.s, a); }
  double df(double a) const { return derivative(options.f, a); }
  double ds(double a) const { return derivative(options.s, a); }
  double pre(const Step& step, int64_t g, int64_t j) const {
    return step.p[g * H + j] + step.q[g * H + j];
  }

  void products(int64_t b, Step& step) const {
    step.p.assign(G * H, 0);
    step.q.assign(G * H, 0);
    for (int64_t e = 0; options.bias && e < G * H; ++e) {
      step.p[e] = bias[e];
      if (cell == Cell::gru) step.q[e] = bias[G * H + e];
    }
    for (int64_t g = 0; g < G; ++g) {
      for (int64_t i = 0; i < I; ++i) {
        const double value = input(g, b, step.t, i);
        for (int64_t j = 0; j < H; ++j) step.p[g * H + j] += value * kernel[(i * G + g) * H + j];
      }
    }
    for (int64_t g = 0; g < G; ++g) {  // the candidate last, which may need the reset gate
      const bool reset = cell == Cell::gru_reset_before && g == 2;
      for (int64_t k = 0; k < H; ++k) {
        const double value = step.h[k] * keep_h(g, b, k) * (reset ? s(pre(step, 1, k)) : 1);
        for (int64_t j = 0; j < H; ++j) {
          step.q[g * H + j] += value * recurrent_kernel[(k * G + g) * H + j];
        }
      }
    }
  }

  // The argument of the candidate's activation.
  double candidate(const Step& step, int64_t j) const {
    const double r = cell == Cell::gru ? s(pre(step, 1, j)) : 1;
    return step.p[2 * H + j] + r * step.q[2 * H + j];
  }

  void advance(const Step& step, Numbers& to_h, Numbers& to_c) const {
    for (int64_t j = 0; j < H; ++j) {
      if (cell == Cell::simple_rnn) {
        to_h[j] = f(pre(step, 0, j));
      } else if (cell == Cell::lstm) {
        to_c[j] = s(pre(step, 1, j)) * step.c[j] + s(pre(step, 0, j)) * f(pre(step, 2, j));
        to_h[j] = s(pre(step, 3, j)) * f(to_c[j]);
      } else {
        const double z = s(pre(step, 0, j));
        to_h[j] = z * step.h[j] + (1 - z) * f(candidate(step, j));
      }
    }
  }

  void row(int64_t b) {
    Numbers hh(H, 0), cc(H, 0), y(H, 0);
    for (int64_t j = 0; options.states && j < H; ++j) hh[j] = h0[b * H + j], cc[j] = c0[b * H + j];
    std::vector<Step> steps;
    std::vector<int64_t> source(T, -1);  // the step whose h is output k
    for (int64_t k = 0; k < T; ++k) {
      const int64_t t = options.go_backwards ? T - 1 - k : k;
      const bool taken = !options.masked || mask[b * T + t];
      if (taken) {
        Step step{t, k, hh, cc, {}, {}};
        products(b, step);
        advance(step, hh, cc);
        y = hh;
        steps.push_back(step);
      } else if (options.zero_output_for_mask) {
        y.assign(H, 0);
      }
      const bool zeros = steps.empty() || (!taken && options.zero_output_for_mask);
      source[k] = zeros ? -1 : static_cast<int64_t>(steps.size()) - 1;
      for (int64_t j = 0; j < H; ++j) outputs[(b * T + k) * H + j] = y[j];
    }
    for (int64_t j = 0; j < H; ++j) {
      last[b * H + j] = y[j], h[b * H + j] = hh[j], c[b * H + j] = cc[j];
    }
    row_backward(b, steps, source, cc);
  }

  void row_backward(int64_t b, const std::vector<Step>& steps, const std::vector<int64_t>& source,
                    const Numbers& final_c) {
    std::vector<Numbers> dy(steps.size(), Numbers(H, 0));
    for (int64_t k = 0; k < T; ++k) {
      for (int64_t j = 0; source[k] >= 0 && j < H; ++j) {
        dy[source[k]][j] += d_outputs[(b * T + k) * H + j];
        if (k == T - 1) dy[source[k]][j] += d_last[b * H + j];
      }
    }
    Numbers dh(H), dc(H);
    for (int64_t j = 0; j < H; ++j) dh[j] = d_h[b * H + j], dc[j] = d_c[b * H + j];
    for (int64_t k = static_cast<int64_t>(steps.size()); k-- > 0;) {
      for (int64_t j = 0; j < H; ++j) dh[j] += dy[k][j];
      const bool is_last = k + 1 == static_cast<int64_t>(steps.size());
      retreat(b, steps[k], is_last ? final_c : steps[k + 1].c, dh, dc);
    }
    for (int64_t j = 0; j < H; ++j) dh0[b * H + j] = dh[j], dc0[b * H + j] = dc[j];
  }

  // From the gradients of the states after a step to those before it.
  void retreat(int64_t b, const Step& step, const Numbers& c_after, Numbers& dh, Numbers& dc) {
    Numbers dp(G * H), dq(G * H), direct(H, 0);
    for (int64_t j = 0; j < H; ++j) {
      if (cell == Cell::simple_rnn) {
        dp[j] = dq[j] = dh[j] * df(pre(step, 0, j));
      } else if (cell == Cell::lstm) {
        const double i = s(pre(step, 0, j)), forget = s(pre(step, 1, j));
        const double candidate_ = f(pre(step, 2, j)), o = s(pre(step, 3, j));
        const double d = dc[j] + dh[j] * o * df(c_after[j]);
        dp[0 * H + j] = d * candidate_ * ds(pre(step, 0, j));
        dp[1 * H + j] = d * step.c[j] * ds(pre(step, 1, j));
        dp[2 * H + j] = d * i * df(pre(step, 2, j));
        dp[3 * H + j] = dh[j] * f(c_after[j]) * ds(pre(step, 3, j));
        for (int64_t g = 0; g < 4; ++g) dq[g * H + j] = dp[g * H + j];
        dc[j] = d * forget;
      } else {
        const double z = s(pre(step, 0, j)), r = s(pre(step, 1, j)), a = candidate(step, j);
        dp[2 * H + j] = dh[j] * (1 - z) * df(a);
        dp[0 * H + j] = dq[0 * H + j] = dh[j] * (step.h[j] - f(a)) * ds(pre(step, 0, j));
        dq[2 * H + j] = dp[2 * H + j] * (cell == Cell::gru ? r : 1);
        if (cell == Cell::gru) {
          dp[H + j] = dq[H + j] = dp[2 * H + j] * step.q[2 * H + j] * ds(pre(step, 1, j));
        }
        direct[j] = dh[j] * z;
      }
    }
    if (cell == Cell::gru_reset_before) reset_before(b, step, dp, dq, direct);
    const int64_t gates = cell == Cell::gru_reset_before ? 2 : G;
    for (int64_t k = 0; k < H; ++k) {
      dh[k] = direct[k];
      for (int64_t g = 0; g < gates; ++g) {
        double sum = 0;
        for (int64_t j = 0; j < H; ++j) {
          sum += dq[g * H + j] * recurrent_kernel[(k * G + g) * H + j];
          d_recurrent_kernel[(k * G + g) * H + j] += dq[g * H + j] * step.h[k] * keep_h(g, b, k);
        }
        dh[k] += sum * keep_h(g, b, k);
      }
    }
    input_backward(b, step, dp, dq);
  }

  void reset_before(int64_t b, const Step& step, Numbers& dp, Numbers& dq, Numbers& direct) {
    for (int64_t k = 0; k < H; ++k) {
      const double r = s(pre(step, 1, k)), kept = step.h[k] * keep_h(2, b, k);
      double sum = 0;
      for (int64_t j = 0; j < H; ++j) {
        sum += dq[2 * H + j] * recurrent_kernel[k * G * H + 2 * H + j];
        d_recurrent_kernel[k * G * H + 2 * H + j] += dq[2 * H + j] * r * kept;
      }
      dp[H + k] = dq[H + k] = sum * kept * ds(pre(step, 1, k));
      direct[k] += sum * r * keep_h(2, b, k);
    }
  }

  void input_backward(int64_t b, const Step& step, const Numbers& dp, const Numbers& dq) {
    for (int64_t e = 0; e < G * H; ++e) {
      d_bias[e] += dp[e];
      if (cell == Cell::gru) d_bias[G * H + e] += dq[e];
    }
    for (int64_t g = 0; g < G; ++g) {
      for (int64_t i = 0; i < I; ++i) {
        const double value = input(g, b, step.t, i);
        double sum = 0;
        for (int64_t j = 0; j < H; ++j) {
          d_kernel[(i * G + g) * H + j] += dp[g * H + j] * value;
          sum += dp[g * H + j] * kernel[(i * G + g) * H + j];
        }
        dx[(b * T + step.t) * I + i] += sum * keep_x(g, b, i);
      }
    }
  }
};

}  // namespace elman::scalar
