// What the tests share: a counter of failures, and random numbers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <vector>

namespace elman::test {

// Whether this build checks its memory or threads, which takes ten times as long.
#if defined(ELMAN_SANITIZED)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

inline int failures = 0;

#define ELMAN_CHECK(condition, ...)                                       \
  do {                                                                    \
    if (!(condition) && ++::elman::test::failures <= 20) {                \
      std::printf("%s:%d: not so: %s: ", __FILE__, __LINE__, #condition); \
      std::printf(__VA_ARGS__);                                           \
      std::printf("\n");                                                  \
    }                                                                     \
  } while (false)

inline int result() {
  std::printf(failures ? "%d failures\n" : "passed\n", failures);
  return failures != 0;
}

// Uniform in (-1, 1), the same on every machine (Knuth's 64-bit linear congruential generator).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2654435761u + 1) {}
  double next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(static_cast<int64_t>(state_)) / 9223372036854775808.;
  }
  template <class S>
  std::vector<S> values(int64_t count, double scale = 1) {
    std::vector<S> v(static_cast<std::size_t>(count));
    for (S& e : v) e = static_cast<S>(scale * next());
    return v;
  }

 private:
  uint64_t state_;
};

}  // namespace elman::test
