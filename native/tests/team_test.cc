// The team: every task once, from many callers at once, with fewer threads than tasks, after a
// fork; and phases, whose members come late, lose their processor, or do not come.
#include "team.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "check.h"
#include "phases.h"

namespace {

void check_once(int tasks) {
  std::vector<std::atomic<int>> done(static_cast<std::size_t>(tasks));
  elman::run_tasks(tasks, [&](int i) { ++done[static_cast<std::size_t>(i)]; });
  for (int i = 0; i < tasks; ++i) ELMAN_CHECK(done[i] == 1, "task %d: %d times", i, int(done[i]));
}

// Rounds of few and of many tasks by turns, as fast as they go: a thread late for one of few must
// not take part in it once the next one's number is known.
void check_turns() {
  for (int round = 0; round < 20000; ++round) check_once(round % 2 ? 2 : 9);
}

void check_callers() {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([] {
      for (int round = 0; round < 500; ++round) check_once(1 + round % 5);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

// Each piece of each phase once, and none before the phase before is done, whatever `delay` does
// to a member in a phase. Plain arrays, so that ThreadSanitizer sees what is not ordered.
template <class Delay>
void check_phases(int members, int comers, const Delay& delay) {
  constexpr int phases = 300;  // even
  elman::Phases shared(members);
  std::vector<int> before(static_cast<std::size_t>(members)), after(before);
  const auto walk = [&](int member) {
    for (int phase = 0; phase < phases; ++phase) {
      const std::vector<int>& from = phase % 2 ? after : before;
      std::vector<int>& to = phase % 2 ? before : after;
      for (int piece; (piece = shared.take(phase, member)) >= 0; shared.finish(phase)) {
        delay(member, phase);
        for (const int value : from) ELMAN_CHECK(value == phase, "%d in %d", value, phase);
        int& mine = to[static_cast<std::size_t>(piece)];
        ELMAN_CHECK(mine == (phase ? phase - 1 : 0), "piece %d of phase %d twice", piece, phase);
        mine = phase + 1;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int member = 1; member < comers; ++member) threads.emplace_back(walk, member);
  walk(0);
  for (std::thread& thread : threads) thread.join();
  for (const int value : before) ELMAN_CHECK(value == phases, "%d at the end", value);
}

void check_all_phases() {
  for (int members = 1; members < 5; ++members) {
    check_phases(members, members, [](int, int) {});
    check_phases(members, 1, [](int, int) {});  // the others do not come
    check_phases(members, members, [](int member, int phase) {
      if (member == 1 && phase % 150 == 7) usleep(8000);
    });
  }
}

// A thread that is late, as one without a processor is, makes the next calls single-threaded for a
// while; tasks of equal length do not.
void check_late_threads() {
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> begun{0}, late{0};
  const auto meet = [&](int milliseconds) {
    begun = late = 0;
    elman::run_tasks(2, [&](int) {
      ++begun;
      for (int i = 0; begun < 2 && i < 1000; ++i) usleep(1000);  // until both threads are here
      const bool is_caller = std::this_thread::get_id() == caller;
      if (!is_caller) ++late;
      usleep(is_caller ? 100 : static_cast<unsigned>(milliseconds) * 1000);
    });
    return late == 1;
  };
  ELMAN_CHECK(elman::threads_now() == 3, "%d threads before", elman::threads_now());
  if (!meet(60)) return;  // the system gave no second thread in a second
  ELMAN_CHECK(elman::threads_now() == 1, "%d threads after", elman::threads_now());
  for (int i = 0; i < 600 && elman::threads_now() != 3; ++i) usleep(100 * 1000);
  ELMAN_CHECK(elman::threads_now() == 3, "%d threads later", elman::threads_now());
}

[[maybe_unused]] void check_fork() {
  const pid_t child = fork();
  if (child == 0) {
    check_once(3);
    _exit(elman::test::failures != 0);
  }
  int status = -1;
  ELMAN_CHECK(waitpid(child, &status, 0) == child && status == 0, "status %d", status);
}

}  // namespace

int main() {
  elman::set_num_threads(3);
  for (int round = 0; round < 2000; ++round) check_once(round % 6);
  check_turns();
  usleep(2000);  // until its threads sleep
  check_once(3);
  check_callers();
  check_late_threads();
  check_all_phases();
#if !defined(__SANITIZE_THREAD__)  // which allows no threads after a fork
  check_fork();
#endif
  return elman::test::result();
}
