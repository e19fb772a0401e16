// The choice of the instruction set, and what else depends on the processor.
#pragma once

#include <vector>

#include "kernels.h"

namespace elman {

// The kernels of the instruction set in use: the best this machine has, unless ELMAN_ISA names
// another. Throws std::runtime_error where ELMAN_ISA names one that is unknown or missing here.
template <class S>
const Kernels<S>& kernels();

// Its name.
const char* isa_name();

// The names of all that this machine has, best first, and the use of another: for tests, and while
// nothing is being computed.
std::vector<const char*> isa_names();
void set_isa(const char* name);

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
