#define _GNU_SOURCE
#include "report/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "client/process.h"

enum { INTERVAL_NANOSECONDS = 500000000 };

static void show(struct loop *loops, unsigned count, double seconds, uint64_t *shown) {
  uint64_t completed = 0, in_flight = 0, open = 0, p50 = 0, p99 = 0;
  for (unsigned i = 0; i < count; i++) {
    pthread_mutex_lock(&loops[i].snapshot_lock);
    completed += loops[i].snapshot.completed;
    in_flight += loops[i].snapshot.in_flight;
    open += loops[i].snapshot.open;
    if (loops[i].snapshot.p50 > p50) p50 = loops[i].snapshot.p50;
    if (loops[i].snapshot.p99 > p99) p99 = loops[i].snapshot.p99;
    pthread_mutex_unlock(&loops[i].snapshot_lock);
    atomic_store(&loops[i].snapshot_wanted, true);
  }
  double rate = (double)(completed - *shown) / (INTERVAL_NANOSECONDS / 1e9);
  fprintf(stderr, "\r\033[K%6.1f s  %12.0f/s  p50 %10.1f us  p99 %10.1f us  %8" PRIu64
          " in flight  %" PRIu64 " open", seconds, rate, (double)p50 / 1e3, (double)p99 / 1e3,
          in_flight, open);
  *shown = completed;
}

void watch_live(struct loop *loops, unsigned count) {
  double began = monotonic_seconds();
  uint64_t shown = 0;
  for (unsigned i = 0; i < count; i++) {
    atomic_store(&loops[i].snapshot_wanted, true);
    for (;;) {
      struct timespec until;
      clock_gettime(CLOCK_REALTIME, &until);
      until.tv_nsec += INTERVAL_NANOSECONDS;
      if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000, until.tv_sec++;
      if (sem_timedwait(&loops[i].done, &until) == 0) break;
      show(loops, count, monotonic_seconds() - began, &shown);
    }
  }
  fputs("\r\033[K", stderr);
}
