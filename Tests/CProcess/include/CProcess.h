// What tests need of processes that Swift does not offer.
#ifndef CPROCESS_H
#define CPROCESS_H
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/// fork(2), which Swift's Glibc hides: most programs want posix_spawn.
static inline pid_t process_fork(void) { return fork(); }

/// Has the kernel end this process when its parent ends, and leave no image of its memory when it traps.
static inline void process_become_expendable(void) {
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/// Has the system refuse this process any further thread. Not root, which has as many as it likes. -1: errno.
static inline int process_refuse_threads(void) {
  const struct rlimit one = {1, 1};
  return setrlimit(RLIMIT_NPROC, &one);
}

/// Gives memory that is allocated by nobody back to the system, so that what is resident tells what is allocated.
static inline void process_trim_memory(void) { malloc_trim(0); }

/// Bytes that are allocated, in the heap and by themselves.
static inline size_t process_allocated_byte_count(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// The number of fallocate(2) on this machine.
static inline long process_fallocate_number(void) { return SYS_fallocate; }

#endif
