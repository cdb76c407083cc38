#define _GNU_SOURCE
#include "MartletSystem.h"

#include <linux/time_types.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The same number on all architectures (include/uapi/asm-generic/unistd.h).
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

int martlet_accept(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int martlet_epoll_wait_nanoseconds(int epoll, struct epoll_event *events, int count, int64_t nanoseconds) {
  struct __kernel_timespec time = {
    .tv_sec = nanoseconds / 1000000000,
    .tv_nsec = nanoseconds % 1000000000,
  };
  return (int)syscall(SYS_epoll_pwait2, epoll, events, count, &time, NULL, (size_t)0);
}

void martlet_thread_set_name(const char *name) { (void)pthread_setname_np(pthread_self(), name); }

int martlet_thread_get_affinity(unsigned long *words, size_t word_count) {
  return sched_getaffinity(0, word_count * sizeof *words, (cpu_set_t *)words);
}

int martlet_thread_set_affinity(const unsigned long *words, size_t word_count) {
  return sched_setaffinity(0, word_count * sizeof *words, (const cpu_set_t *)words);
}

void martlet_malloc_trim(void) { (void)malloc_trim(0); }
