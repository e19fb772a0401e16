#include "team.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "phases.h"

namespace elman {
namespace {

using Clock = std::chrono::steady_clock;

// How long a thread without work looks out for some before it sleeps: longer than the pause
// between the calls of a training step, short against what another process loses by it.
constexpr auto patience = std::chrono::microseconds(50);

// What a thread without a processor waits for one, at least; a piece takes a millisecond at most.
constexpr auto loss = std::chrono::milliseconds(5);
// After a wait of that kind one thread works alone for so many times as long. So at most an eighth
// of the time is lost where it happens again each time, and little where it was by chance.
constexpr int caution = 8;
std::atomic<Clock::rep> alone_until{0};

void note_wait(Clock::duration waited) {
  const auto until = Clock::now() + caution * waited;
  alone_until.store(until.time_since_epoch().count(), std::memory_order_relaxed);
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `value` is no longer `old`.
template <class T>
void await_change(const std::atomic<T>& value, T old) {
  const auto start = Clock::now();
  while (value.load(std::memory_order_acquire) == old) {
    for (int i = 0; i < 32; ++i) relax();
    if (Clock::now() - start < patience) continue;
    value.wait(old, std::memory_order_acquire);
  }
}

// One round of work at a time. `claim_` holds the number of the round, the number of its tasks and
// the next task, 32, 16 and 16 bits: a thread that is late for a round cannot take a task of it,
// nor mistake the next round's for it.
class Team {
 public:
  void run(int count, void (*task)(void*, int), void* context) {
    start_workers(count - 1);
    task_ = task;
    context_ = context;
    pending_.store(count, std::memory_order_relaxed);
    const uint64_t round = (claim_.load(std::memory_order_relaxed) >> 32) + 1;
    claim_.store(round << 32 | static_cast<uint64_t>(count) << 16, std::memory_order_release);
    round_.store(static_cast<uint32_t>(round), std::memory_order_release);
    round_.notify_all();
    const Clock::duration longest = take_part();
    const auto start = Clock::now();
    for (int left = pending_.load(std::memory_order_acquire); left != 0;
         left = pending_.load(std::memory_order_acquire)) {
      await_change(pending_, left);
    }
    // The others' tasks are about as long as its own.
    const Clock::duration waited = Clock::now() - start;
    if (waited > loss && waited > 2 * longest) note_wait(waited);
  }

 private:
  // While a task is claimed its round cannot end, so that task_ and context_ are its own. Returns
  // how long the longest of them took.
  Clock::duration take_part() {
    Clock::duration longest{0};
    uint64_t claim = claim_.load(std::memory_order_acquire);
    while ((claim & 0xffff) < (claim >> 16 & 0xffff)) {
      if (!claim_.compare_exchange_weak(claim, claim + 1, std::memory_order_acq_rel)) continue;
      const auto start = Clock::now();
      task_(context_, static_cast<int>(claim & 0xffff));
      longest = std::max(longest, Clock::now() - start);
      if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) pending_.notify_all();
      claim = claim_.load(std::memory_order_acquire);
    }
    return longest;
  }

  void work(uint32_t seen) {
    for (;;) {
      await_change(round_, seen);
      seen = round_.load(std::memory_order_acquire);
      take_part();
    }
  }

  // As many as the system allows: the caller does what is left.
  void start_workers(int wanted) {
    try {
      for (; workers_ < wanted; ++workers_) {
        std::thread([this, seen = round_.load()] { work(seen); }).detach();
      }
    } catch (const std::system_error&) {
    }
  }

  void (*task_)(void*, int) = nullptr;
  void* context_ = nullptr;
  int workers_ = 0;
  std::atomic<uint64_t> claim_{0};
  std::atomic<uint32_t> round_{0};
  std::atomic<int> pending_{0};
};

int quota_of_cgroup() {
  long long quota = 0, period = 0;
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    if (std::fscanf(file, "%lld %lld", &quota, &period) != 2) quota = 0;
    std::fclose(file);
  }
  return quota > 0 && period > 0 ? static_cast<int>((quota + period - 1) / period) : 1 << 20;
}

int default_threads() {
  if (const char* wanted = std::getenv("ELMAN_NUM_THREADS")) {
    const int threads = std::atoi(wanted);
    if (threads > 0) return threads < most_threads ? threads : most_threads;
  }
  int processors = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) processors = CPU_COUNT(&set);
#endif
  const int quota = quota_of_cgroup();
  const int threads = processors < quota ? processors : quota;
  return threads > 0 ? threads : 1;
}

// Never destroyed: its threads may outlive the static objects of the process.
std::mutex* busy = new std::mutex;
Team* team = nullptr;

// The child of a fork has none of the threads; it starts with a new team.
void start_anew() {
  busy = new std::mutex;
  team = nullptr;
}

std::atomic<int>& setting() {
  static std::atomic<int> threads{default_threads()};
  return threads;
}

}  // namespace

int num_threads() { return setting().load(std::memory_order_relaxed); }

void set_num_threads(int threads) { setting().store(threads, std::memory_order_relaxed); }

int threads_now() {
  const auto now = Clock::now().time_since_epoch().count();
  return now < alone_until.load(std::memory_order_relaxed) ? 1 : num_threads();
}

void run_tasks(int count, void (*task)(void*, int), void* context) {
  static const int registered = pthread_atfork(nullptr, nullptr, start_anew);
  (void)registered;
  if (count > 1 && num_threads() > 1 && busy->try_lock()) {
    const std::lock_guard<std::mutex> held(*busy, std::adopt_lock);
    if (!team) team = new Team;
    return team->run(count, task, context);
  }
  for (int i = 0; i < count; ++i) task(context, i);
}

constexpr int nobody = -1;

struct Phases::State {
  explicit State(int members) : claims(static_cast<std::size_t>(members)) {}
  struct alignas(64) Claim {
    std::atomic<int64_t> next{0};  // the phase in which the piece may be taken
  };
  std::vector<Claim> claims;
  alignas(64) std::atomic<int64_t> done{0};  // pieces of all phases
  std::atomic<int> alone{nobody};            // the member that does what is left
};

Phases::Phases(int members) : state_(new State(members)) {}
Phases::~Phases() { delete state_; }

int Phases::take(int64_t phase, int member) {
  State& s = *state_;
  const int alone = s.alone.load(std::memory_order_relaxed);
  if (alone != nobody && alone != member) return -1;
  const int pieces = static_cast<int>(s.claims.size());
  for (int i = 0; i < pieces; ++i) {
    const int piece = (member + i) % pieces;
    int64_t expected = phase;
    std::atomic<int64_t>& next = s.claims[static_cast<std::size_t>(piece)].next;
    if (next.compare_exchange_strong(expected, phase + 1, std::memory_order_relaxed)) return piece;
  }
  const int64_t all = (phase + 1) * pieces;
  int64_t done = s.done.load(std::memory_order_acquire);
  if (done >= all) return -1;
  const auto start = Clock::now();
  for (; done < all; done = s.done.load(std::memory_order_acquire)) await_change(s.done, done);
  int expected = nobody;
  const Clock::duration waited = Clock::now() - start;
  if (waited > loss && s.alone.compare_exchange_strong(expected, member)) note_wait(waited);
  return -1;
}

void Phases::finish(int64_t phase) {
  State& s = *state_;
  const int64_t all = (phase + 1) * static_cast<int64_t>(s.claims.size());
  if (s.done.fetch_add(1, std::memory_order_acq_rel) + 1 == all) s.done.notify_all();
}

}  // namespace elman
