// The one file that names instruction sets (CMakeLists.txt gives each its compiler flags).
#include "isa.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#define ELMAN_EACH_ISA(F)                                                                 \
  F(avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&    \
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) \
  F(avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))                \
  F(baseline, true)
#elif defined(__aarch64__)
#define ELMAN_EACH_ISA(F) F(neon, true)
#else
#define ELMAN_EACH_ISA(F) F(baseline, true)
#endif

namespace elman {

#define ELMAN_DECLARE(name, present)    \
  namespace name {                      \
  const Kernels<float>& kernels_f32();  \
  const Kernels<double>& kernels_f64(); \
  }
ELMAN_EACH_ISA(ELMAN_DECLARE)

namespace {

struct Isa {
  const char* name;
  bool present;
  const Kernels<float>& (*f32)();
  const Kernels<double>& (*f64)();
};

// Those this machine has, best first.
const std::vector<Isa>& present() {
#define ELMAN_ENTRY(name, present) {#name, bool(present), name::kernels_f32, name::kernels_f64},
  static const std::vector<Isa> found = [] {
    std::vector<Isa> all{ELMAN_EACH_ISA(ELMAN_ENTRY)};
    std::erase_if(all, [](const Isa& isa) { return !isa.present; });
    return all;
  }();
  return found;
}

const Isa* named(const char* name) {
  std::string names;
  for (const Isa& isa : present()) {
    if (!std::strcmp(isa.name, name)) return &isa;
    names += (names.empty() ? "" : ", ") + std::string(isa.name);
  }
  throw std::runtime_error("ELMAN_ISA must be one of " + names + " on this machine, got " + name);
}

const Isa*& chosen() {
  static const Isa* isa = [] {
    const char* wanted = std::getenv("ELMAN_ISA");
    return wanted && *wanted ? named(wanted) : &present().front();
  }();
  return isa;
}

}  // namespace

template <>
const Kernels<float>& kernels<float>() {
  return chosen()->f32();
}

template <>
const Kernels<double>& kernels<double>() {
  return chosen()->f64();
}

const char* isa_name() { return chosen()->name; }

std::vector<const char*> isa_names() {
  std::vector<const char*> names;
  for (const Isa& isa : present()) names.push_back(isa.name);
  return names;
}

void set_isa(const char* name) { chosen() = named(name); }

#if defined(__x86_64__)
// Bits 15 and 6 of MXCSR: flush to zero, and denormals are zeros.
DenormalsOff::DenormalsOff() : before_(_mm_getcsr()) {
  _mm_setcsr(static_cast<unsigned>(before_) | 0x8040u);
}
DenormalsOff::~DenormalsOff() { _mm_setcsr(static_cast<unsigned>(before_)); }
#elif defined(__aarch64__)
// Bit 24 of FPCR: flush to zero.
DenormalsOff::DenormalsOff() {
  asm volatile("mrs %0, fpcr" : "=r"(before_));
  asm volatile("msr fpcr, %0" : : "r"(before_ | (uint64_t{1} << 24)));
}
DenormalsOff::~DenormalsOff() { asm volatile("msr fpcr, %0" : : "r"(before_)); }
#else
DenormalsOff::DenormalsOff() : before_(0) {}
DenormalsOff::~DenormalsOff() {}
#endif

}  // namespace elman
