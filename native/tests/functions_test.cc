// The activations over the whole range, against the C library in a wider type.
#include <bit>
#include <cmath>
#include <limits>

#include "check.h"
#include "isa.h"

namespace {

using elman::Activation;
using elman::test::Random;

template <class S>
struct Wider;
template <>
struct Wider<float> {
  using Type = double;
  using Bits = uint32_t;
  static constexpr uint32_t step = 997;  // every 997th float
};
template <>
struct Wider<double> {
  using Type = long double;
  using Bits = uint64_t;
  static constexpr uint64_t step = 3000000000000019;
};

template <class W>
W exact(Activation activation, W x) {
  switch (activation) {
    case Activation::tanh: return std::tanh(x);
    case Activation::sigmoid: {
      const W z = std::exp(-std::fabs(x));
      return x < 0 ? z / (1 + z) : 1 / (1 + z);
    }
    case Activation::relu: return x < 0 ? W(0) : x;
    case Activation::hard_sigmoid: return std::fmin(std::fmax(W(0.2) * x + W(0.5), W(0)), W(1));
    case Activation::hard_sigmoid_keras3: return std::fmin(std::fmax(x + 3, W(0)), W(6)) / 6;
    case Activation::linear: break;
  }
  return x;
}

// How far `got` is from `wanted` in units in the last place of S at `wanted`.
template <class S, class W>
W ulps(S got, W wanted) {
  const S near = std::fabs(static_cast<S>(wanted));
  const W unit = W(std::nextafter(near, std::numeric_limits<S>::infinity())) - W(near);
  return std::fabs(W(got) - wanted) / unit;
}

template <class S>
void check_range(Activation activation, double limit) {
  using W = typename Wider<S>::Type;
  using Bits = typename Wider<S>::Bits;
  const elman::DenormalsOff off;
  std::vector<S> x;
  for (Bits bits = 0; bits <= std::numeric_limits<Bits>::max() - Wider<S>::step;
       bits += Wider<S>::step) {
    const S value = std::bit_cast<S>(bits);
    if (std::isfinite(value)) x.push_back(value);
  }
  for (double v = -50; v < 50; v += 0.00037) x.push_back(static_cast<S>(v));
  std::vector<S> y(x.size());
  elman::kernels<S>().apply(activation, x.data(), y.data(), static_cast<int64_t>(x.size()));
  W worst = 0;
  S at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const W wanted = exact(activation, W(x[i]));
    if (std::fabs(wanted) < W(std::numeric_limits<S>::min())) {
      ELMAN_CHECK(std::fabs(y[i]) <= std::numeric_limits<S>::min(), "at %g", double(x[i]));
      continue;
    }
    const W error = ulps<S, W>(y[i], wanted);
    if (!(error <= worst)) worst = error, at = x[i];
  }
  std::printf("activation %d, %zu bytes: %.2f ulp at %.9g\n", int(activation), sizeof(S),
              double(worst), double(at));
  ELMAN_CHECK(worst <= limit, "activation %d: %g ulp at %g", int(activation), double(worst),
              double(at));
}

template <class S>
S value(Activation activation, S x) {
  S y;
  elman::kernels<S>().apply(activation, &x, &y, 1);
  return y;
}

template <class S>
void check_edges() {
  constexpr S inf = std::numeric_limits<S>::infinity(), nan = std::numeric_limits<S>::quiet_NaN();
  for (int a = 0; a <= int(Activation::hard_sigmoid_keras3); ++a) {
    ELMAN_CHECK(std::isnan(value<S>(Activation(a), nan)), "activation %d", a);
  }
  ELMAN_CHECK(value<S>(Activation::tanh, inf) == 1 && value<S>(Activation::tanh, -inf) == -1, " ");
  ELMAN_CHECK(value<S>(Activation::tanh, S(0)) == 0, " ");
  ELMAN_CHECK(std::signbit(value<S>(Activation::tanh, -S(0))), "the sign of zero");
  ELMAN_CHECK(value<S>(Activation::sigmoid, S(0)) == S(0.5), " ");
  ELMAN_CHECK(value<S>(Activation::sigmoid, inf) == 1, " ");
  ELMAN_CHECK(value<S>(Activation::sigmoid, -inf) == 0, " ");
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const S x = static_cast<S>(20 * random.next());
    ELMAN_CHECK(value<S>(Activation::tanh, x) == -value<S>(Activation::tanh, -x), "odd");
  }
}

template <class S>
void check_all() {
  check_range<S>(Activation::linear, 0);
  check_range<S>(Activation::tanh, 3);
  check_range<S>(Activation::sigmoid, 3);
  check_range<S>(Activation::relu, 0);
  check_edges<S>();
}

}  // namespace

int main() {
  for (const char* isa : elman::isa_names()) {
    elman::set_isa(isa);
    std::printf("%s\n", isa);
    check_all<float>();
    check_all<double>();
  }
  return elman::test::result();
}
