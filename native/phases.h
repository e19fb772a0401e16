// Several threads on one layer, step by step: each phase is some pieces, which the threads claim.
#pragma once

#include <cstdint>

namespace elman {

// The phases that `members` threads go through together, each of `members` pieces. A phase begins
// when the one before is done. Nobody waits for a thread that has not come: its piece is taken by
// another, and it finds the phases that it missed done. A thread that is kept waiting for five
// milliseconds, by one that lost its processor within a piece, does what is left alone.
class Phases {
 public:
  explicit Phases(int members);  // throws std::bad_alloc
  ~Phases();
  Phases(const Phases&) = delete;
  Phases& operator=(const Phases&) = delete;

  // A piece of a phase, the member's own where it is free, so that what it reads stays in its
  // cache; or -1 when the phase is done. `phase` counts from 0, for each member by itself.
  int take(int64_t phase, int member);
  // To be called once a piece that was taken is done.
  void finish(int64_t phase);

 private:
  struct State;
  State* state_;
};

}  // namespace elman
