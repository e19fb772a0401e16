// Working memory: one block per call, from a small pool.
#pragma once

#include <cstddef>

namespace elman {

// A block of at least `size` bytes, aligned to 64, from the pool; throws std::bad_alloc. Its
// content is undefined. The pool keeps up to `pool_limit` bytes of blocks between calls, because
// fresh pages cost more than the work in them at small sizes.
class Block {
 public:
  explicit Block(std::size_t size);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  char* data() const { return data_; }

 private:
  char* data_;
  std::size_t capacity_;
};

}  // namespace elman
