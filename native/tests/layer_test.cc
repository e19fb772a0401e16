// Layers against a plain scalar version in double: odd sizes, misaligned arrays, results that
// start as NaN, every cell and option, float32 and float64, one thread and several.
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <string>

#include "check.h"
#include "driver.h"
#include "isa.h"
#include "scalar.h"
#include "team.h"

namespace {

using namespace elman;
using test::Random;

// An array at an address that is no multiple of a vector, in NaN before and after it.
template <class S>
class Array {
 public:
  explicit Array(int64_t size, const std::vector<double>* from = nullptr)
      : size_(size), data_(static_cast<std::size_t>(size + 2 * guard), nan()) {
    for (int64_t i = 0; from && i < size; ++i) (*this)[i] = static_cast<S>((*from)[i]);
  }
  S* data() { return data_.data() + guard; }
  S& operator[](int64_t i) { return data()[i]; }
  int64_t size() const { return size_; }
  bool intact() const {
    for (int i = 0; i < guard; ++i) {
      if (!std::isnan(data_[i]) || !std::isnan(data_[data_.size() - 1 - i])) return false;
    }
    return true;
  }

 private:
  static constexpr int guard = 3;
  static constexpr S nan() { return std::numeric_limits<S>::quiet_NaN(); }
  int64_t size_;
  std::vector<S> data_;
};

struct Case {
  Cell cell;
  Activation activation, recurrent_activation;
  int64_t B, T, I, H;
  bool go_backwards, zero_output_for_mask, masked, dropout, states, bias, mask_each_gate;

  std::string name() const {
    char text[160];
    std::snprintf(text, sizeof text, "%s-cell%d-f%d-s%d-B%d-T%d-I%d-H%d-%s%s%s%s%s%s%s", isa_name(),
                  int(cell), int(activation), int(recurrent_activation), int(B), int(T), int(I),
                  int(H), go_backwards ? "backwards " : "", zero_output_for_mask ? "zero " : "",
                  masked ? "masked " : "", dropout ? "dropout " : "", states ? "states " : "",
                  bias ? "bias " : "", mask_each_gate ? "each" : "");
    return text;
  }
};

// Everything a case computes, as bytes to compare and numbers to check.
template <class S>
struct Results {
  explicit Results(const Case& c)
      : columns(gate_count(c.cell) * c.H),
        outputs(c.B * c.T * c.H),
        last(c.B * c.H),
        h(c.B * c.H),
        carry(c.B * c.H),
        dx(c.B * c.T * c.I),
        dh0(c.B * c.H),
        dc0(c.B * c.H),
        d_kernel(c.I * columns),
        d_recurrent_kernel(c.H * columns),
        d_bias((c.cell == Cell::gru ? 2 : 1) * columns) {}
  int64_t columns;
  Array<S> outputs, last, h, carry, dx, dh0, dc0, d_kernel, d_recurrent_kernel, d_bias;

  std::vector<Array<S>*> all() {
    return {&outputs, &last, &h, &carry, &dx, &dh0, &dc0, &d_kernel, &d_recurrent_kernel, &d_bias};
  }
};

template <class S>
Results<S> run(const Case& c, const scalar::Problem& p) {
  Results<S> r(c);
  Array<S> x(c.B * c.T * c.I, &p.x), h0(c.B * c.H, &p.h0), c0(c.B * c.H, &p.c0);
  Array<S> w(c.I * r.columns, &p.kernel), u(c.H * r.columns, &p.recurrent_kernel);
  Array<S> b(r.d_bias.size(), &p.bias), m(c.B * c.I * p.masks(), &p.input_dropout);
  Array<S> n(c.B * c.H * p.masks(), &p.recurrent_dropout);
  Array<S> dy(c.B * c.T * c.H, &p.d_outputs), dl(c.B * c.H, &p.d_last), dh(c.B * c.H, &p.d_h);
  Array<S> dc(c.B * c.H, &p.d_c);
  const bool lstm = c.cell == Cell::lstm;
  Layer<S> layer{};
  layer.cell = c.cell;
  layer.activation = c.activation;
  layer.recurrent_activation = c.recurrent_activation;
  layer.go_backwards = c.go_backwards;
  layer.zero_output_for_mask = c.zero_output_for_mask;
  layer.input_masks = layer.recurrent_masks = c.dropout ? p.masks() : 1;
  layer.B = c.B, layer.T = c.T, layer.I = c.I, layer.H = c.H;
  layer.x = x.data();
  layer.h0 = c.states ? h0.data() : nullptr;
  layer.c0 = c.states && lstm ? c0.data() : nullptr;
  layer.kernel = w.data();
  layer.recurrent_kernel = u.data();
  layer.bias = c.bias ? b.data() : nullptr;
  layer.mask = c.masked ? p.mask.data() : nullptr;
  layer.input_dropout = c.dropout ? m.data() : nullptr;
  layer.recurrent_dropout = c.dropout ? n.data() : nullptr;
  Array<S> saved(c.T * c.B * saved_width(layer));
  layer.outputs = r.outputs.data();
  layer.last = r.last.data();
  layer.h = r.h.data();
  layer.c = lstm ? r.carry.data() : nullptr;
  layer.saved = saved.data();
  forward(&layer, 1);
  const Gradients<S> g{dy.data(),
                       dl.data(),
                       dh.data(),
                       lstm ? dc.data() : nullptr,
                       r.dx.data(),
                       r.dh0.data(),
                       r.dc0.data(),
                       r.d_kernel.data(),
                       r.d_recurrent_kernel.data(),
                       c.bias ? r.d_bias.data() : nullptr};
  backward(&layer, &g, 1);
  ELMAN_CHECK(saved.intact(), "%s: saved", c.name().c_str());
  // Prediction, which saves nothing.
  Array<S> outputs(r.outputs.size());
  layer.outputs = outputs.data();
  layer.saved = nullptr;
  forward(&layer, 1);
  ELMAN_CHECK(
      !std::memcmp(outputs.data(), r.outputs.data(), sizeof(S) * std::size_t(outputs.size())),
      "%s: outputs without saved", c.name().c_str());
  return r;
}

// The numbers of the case in S, against the solved problem's and with several threads.
template <class S>
void compare(const Case& c, const scalar::Problem& p) {
  const std::vector<const std::vector<double>*> wanted = {
      &p.outputs, &p.last, &p.h, &p.c, &p.dx, &p.dh0, &p.dc0, &p.d_kernel, &p.d_recurrent_kernel,
      &p.d_bias};
  set_num_threads(1);
  Results<S> one = run<S>(c, p);
  // Four threads on two groups of rows: each group's two share the units.
  set_num_threads(c.B >= 12 && c.B < 18 && c.H >= 128 ? 4 : 3);
  Results<S> several = run<S>(c, p);
  // Sums of up to a hundred terms near 1, through up to nine steps.
  const double tolerance = sizeof(S) == 4 ? 2e-5 : 1e-13;
  for (std::size_t a = 0; a < wanted.size(); ++a) {
    if (c.cell != Cell::lstm && (a == 3 || a == 6)) continue;
    if (!c.bias && a == 9) continue;
    Array<S>&got = *one.all()[a], &again = *several.all()[a];
    ELMAN_CHECK(got.intact(), "%s: array %zu overrun", c.name().c_str(), a);
    double largest = 1;
    for (const double v : *wanted[a]) largest = std::fmax(largest, std::fabs(v));
    for (int64_t i = 0; i < got.size(); ++i) {
      const double error = std::fabs(double(got[i]) - (*wanted[a])[i]) / largest;
      ELMAN_CHECK(error <= tolerance, "%s: array %zu at %d: %g, not %g", c.name().c_str(), a,
                  int(i), double(got[i]), (*wanted[a])[i]);
    }
    ELMAN_CHECK(!std::memcmp(got.data(), again.data(), sizeof(S) * std::size_t(got.size())),
                "%s: array %zu differs with the number of threads", c.name().c_str(), a);
  }
}

void check(const Case& c) {
  Random random(static_cast<uint64_t>(c.B * 1000003 + c.T * 10007 + c.I * 101 + c.H));
  scalar::Problem p(c.cell, c.B, c.T, c.I, c.H, random);
  p.options = {c.activation,    c.recurrent_activation,
               c.go_backwards,  c.zero_output_for_mask,
               c.masked,        c.dropout,
               c.states,        c.bias,
               c.mask_each_gate};
  p.solve();
  // Masked steps are never read.
  for (std::size_t i = 0; c.masked && i < p.x.size(); ++i) {
    if (!p.mask[i / static_cast<std::size_t>(c.I)]) p.x[i] = std::nan("");
  }
  // On the best instruction set, and in turn on one of the others; where it takes long, in turn.
  static std::size_t turn = 0;
  const std::vector<const char*> isas = isa_names();
  std::set<std::size_t> chosen{turn++ % isas.size()};
  if (!test::sanitized) chosen.insert(0);
  for (const std::size_t i : chosen) {
    set_isa(isas[i]);
    compare<float>(c, p);
    compare<double>(c, p);
  }
}

void check_options(Cell cell, int64_t B, int64_t T, int64_t I, int64_t H) {
  using A = Activation;
  const A pairs[][2] = {{A::tanh, A::sigmoid},
                        {A::relu, A::hard_sigmoid},
                        {A::linear, A::hard_sigmoid_keras3},
                        {A::sigmoid, A::tanh}};
  // All options of small layers with each other; of large ones, whose scalar version takes long,
  // some.
  const int many = test::sanitized ? 25 : B * T * H > 200 ? 7 : 1;
  const int step = H > 100 ? (test::sanitized ? 64 : 25) : many;
  for (int pair = 0; pair < 4; ++pair) {
    for (int bits = 5 * pair % step; bits < 64; bits += step) {
      const auto bit = [&](int i) { return (bits >> i & 1) != 0; };
      Case c{cell,   pairs[pair][0], pairs[pair][1], B,      T,      I,      H,
             bit(0), bit(1),         bit(2),         bit(3), bit(4), bit(5), false};
      check(c);
      if (!c.dropout) continue;
      c.mask_each_gate = true;
      check(c);
    }
  }
}

}  // namespace

int main() {
  const int64_t sizes[][4] = {{1, 1, 1, 1},    {2, 3, 5, 3},     {13, 4, 7, 17},   {3, 9, 33, 64},
                              {19, 3, 20, 70}, {0, 3, 3, 5},     {4, 0, 3, 5},     {40, 7, 64, 48},
                              {2, 300, 2, 2},  {1, 2, 5, 64},    {4, 1, 3, 32},    {9, 4, 40, 130},
                              {1, 2, 3, 512},  {13, 20, 5, 128}, {25, 18, 70, 128}};
  for (const Cell cell : {Cell::simple_rnn, Cell::lstm, Cell::gru, Cell::gru_reset_before}) {
    for (const auto& s : sizes) check_options(cell, s[0], s[1], s[2], s[3]);
  }
  // More than 4 MiB of W: blocks of three steps, of a quarter of that, and then one of two.
  check({Cell::lstm, Activation::tanh, Activation::sigmoid, 16, 5, 300, 900, false, false, true,
         false, false, false, false});
  return test::result();
}
