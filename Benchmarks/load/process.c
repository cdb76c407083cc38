#define _GNU_SOURCE
#include "process.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

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

double cpu_seconds(void) {
  return (double)nanoseconds(CLOCK_PROCESS_CPUTIME_ID) * 1e-9;
}

void raise_descriptor_limit(unsigned connections) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (connections + 16 > limit.rlim_cur)
    give_up("%u connections need more than %ju descriptors", connections,
            (uintmax_t)limit.rlim_cur);
}

void say_ready(void) {
  puts("ready");
  fflush(stdout);
}

_Noreturn void give_up(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s: ", program_name);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}
