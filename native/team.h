// The threads that share the work of one call.
#pragma once

namespace elman {

// The most threads a call uses, the calling one among them. At load ELMAN_NUM_THREADS, else the
// processors that this process may use (its affinity and its cgroup's quota).
int num_threads();
constexpr int most_threads = 4096;  // what they may be set to
void set_num_threads(int threads);
// The threads to plan a call for: num_threads(), or 1 for some time after a thread had to wait for
// another one that had lost its processor. Where many processes share the processors, threads that
// meet again and again wait longer than they work.
int threads_now();

// Calls task(context, i) for each i in [0, count), spread over the team, and returns when all are
// done. The caller takes part and takes all where the team is busy with another caller's work or
// its threads do not get a processor. `task` must not throw.
void run_tasks(int count, void (*task)(void* context, int i), void* context);

template <class Body>
void run_tasks(int count, const Body& body) {
  run_tasks(
      count, [](void* context, int i) { (*static_cast<const Body*>(context))(i); },
      const_cast<Body*>(&body));
}

}  // namespace elman
