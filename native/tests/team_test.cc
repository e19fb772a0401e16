// The team: every task once, from many callers at once, with fewer threads than tasks, after a
// fork.
#include "team.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "check.h"

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
#if !defined(__SANITIZE_THREAD__)  // which allows no threads after a fork
  check_fork();
#endif
  return elman::test::result();
}
