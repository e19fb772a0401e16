#include "memory.h"

#include <pthread.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstdlib>
#include <mutex>
#include <new>

namespace elman {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;
#if defined(ELMAN_SANITIZED)
constexpr std::size_t pool_limit = 0;  // so that the end of every block is watched
#else
constexpr std::size_t pool_limit = std::size_t{256} << 20;
#endif
constexpr int pool_slots = 16;

struct Pool {
  std::mutex mutex;
  std::size_t total = 0;
  struct {
    char* data = nullptr;
    std::size_t capacity = 0;
  } slots[pool_slots];
};

// Never destroyed: threads may use it while the process ends.
Pool* pool = new Pool;

// Over a fork the lock is held, so that the child finds the pool whole.
void hold() { pool->mutex.lock(); }
void release() { pool->mutex.unlock(); }
const int registered = pthread_atfork(hold, release, release);

// The smallest block that is large enough, out of the pool; null where there is none.
char* take(std::size_t size, std::size_t& capacity) {
  const std::lock_guard<std::mutex> lock(pool->mutex);
  auto* best = static_cast<decltype(&pool->slots[0])>(nullptr);
  for (auto& slot : pool->slots) {
    if (slot.data && slot.capacity >= size && (!best || slot.capacity < best->capacity)) {
      best = &slot;
    }
  }
  if (!best) return nullptr;
  char* data = best->data;
  capacity = best->capacity;
  pool->total -= capacity;
  best->data = nullptr;
  return data;
}

// Puts a block into the pool, in place of the smallest where it is full. Gives what to free.
char* put(char* data, std::size_t capacity) {
  const std::lock_guard<std::mutex> lock(pool->mutex);
  auto* place = &pool->slots[0];
  for (auto& slot : pool->slots) {
    const std::size_t size = slot.data ? slot.capacity : 0;
    if (size < (place->data ? place->capacity : 0)) place = &slot;
  }
  const std::size_t replaced = place->data ? place->capacity : 0;
  if (replaced >= capacity || pool->total - replaced + capacity > pool_limit) return data;
  char* old = place->data;
  pool->total += capacity - replaced;
  place->data = data;
  place->capacity = capacity;
  return old;
}

// Fresh memory. Large blocks lie on huge pages where the system has them: the weights of a large
// layer are read whole at every step, and have more small pages than the processor can look up.
char* allocate(std::size_t& capacity) {
  const std::size_t aligned = capacity < huge_page ? alignment : huge_page;
  capacity = (capacity + aligned) / aligned * aligned;
  void* data = std::aligned_alloc(aligned, capacity);
  if (!data) throw std::bad_alloc();
#if defined(__linux__)
  if (aligned == huge_page) madvise(data, capacity, MADV_HUGEPAGE);
#endif
  return static_cast<char*>(data);
}

}  // namespace

Block::Block(std::size_t size) : data_(nullptr), capacity_(0) {
  (void)registered;
  data_ = take(size, capacity_);
  if (data_) return;
  capacity_ = size;
  data_ = allocate(capacity_);
}

Block::~Block() { std::free(put(data_, capacity_)); }

}  // namespace elman
