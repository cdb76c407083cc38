#define _GNU_SOURCE
#include "client/process.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t monotonic_nanoseconds(void) {
  return nanoseconds(CLOCK_MONOTONIC);
}

double monotonic_seconds(void) {
  return (double)nanoseconds(CLOCK_MONOTONIC) * 1e-9;
}

uint64_t thread_cpu_nanoseconds(void) {
  return nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}

static atomic_bool was_interrupted;

static void interrupted(int number) {
  (void)number;
  atomic_store(&was_interrupted, true);
}

void heed_interrupts(void) {
  struct sigaction action = {.sa_handler = interrupted, .sa_flags = (int)SA_RESETHAND};
  sigaction(SIGINT, &action, NULL);
}

bool is_interrupted(void) {
  return atomic_load_explicit(&was_interrupted, memory_order_relaxed);
}

void raise_descriptor_limit(unsigned connections) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (connections + 32 > limit.rlim_cur)
    give_up(FAILED, "%u connections need more than %ju descriptors", connections,
            (uintmax_t)limit.rlim_cur);
}

void *zeroed(uint64_t count, uint64_t size) {
  void *memory = calloc(count > 0 ? count : 1, size);
  if (!memory) give_up(FAILED, "no memory");
  return memory;
}

void make_harmless(char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (text[i] < 32 || text[i] > 126) text[i] = ' ';
}

_Noreturn void give_up(enum exit_status status, const char *format, ...) {
  static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&first);  // for ever: the others wait here for the end
  va_list arguments;
  va_start(arguments, format);
  fputs("martlet-load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  _exit(status);  // not exit: other threads still use what it would take down
}
