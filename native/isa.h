// The choice of the instruction set, and what else depends on the processor.
#pragma once

#include "kernels.h"

namespace elman {

// The kernels of the instruction set in use: the best this machine has, unless ELMAN_ISA names
// another. Throws std::runtime_error where ELMAN_ISA names one that is unknown or missing here.
template <class S>
const Kernels<S>& kernels();

// Its name.
const char* isa_name();

// While it lives, this thread treats subnormal numbers as zero.
class DenormalsOff {
 public:
  DenormalsOff();
  ~DenormalsOff();
  DenormalsOff(const DenormalsOff&) = delete;
  DenormalsOff& operator=(const DenormalsOff&) = delete;

 private:
  uint64_t before_;
};

}  // namespace elman
