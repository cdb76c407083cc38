#define _GNU_SOURCE
#include "MartletSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <linux/time_types.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

struct martlet_socket_bytes martlet_socket_bytes(int socket) {
  struct martlet_socket_bytes bytes = {-1, -1, -1};
  struct tcp_info info;
  socklen_t size = sizeof info;
  // Older kernels know less of it and fill in a part.
  const socklen_t needed = offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && size >= needed)
    bytes.acknowledged = (int64_t)info.tcpi_bytes_acked;
  int count;
  if (ioctl(socket, SIOCOUTQ, &count) == 0) bytes.unacknowledged = count;
  if (ioctl(socket, SIOCINQ, &count) == 0) bytes.unread = count;
  return bytes;
}

void martlet_malloc_trim(void) { (void)malloc_trim(0); }

int martlet_replace_descriptor(int descriptor, int number) {
  int result;
  do result = dup3(descriptor, number, O_CLOEXEC);
  while (result < 0 && (errno == EINTR || errno == EBUSY));
  return result;
}

int martlet_socket_file_set(const char *path, int64_t owner, int64_t group, int mode) {
  // What is opened here is what is changed below, whatever the path names by then.
  int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return -1;
  struct stat status;
  int result = fstat(file, &status);
  if (result == 0 && !S_ISSOCK(status.st_mode)) {
    errno = ENOTSOCK;
    result = -1;
  }
  if (result == 0 && (owner >= 0 || group >= 0))
    result = fchownat(file, "", (uid_t)owner, (gid_t)group, AT_EMPTY_PATH);
  if (result == 0 && mode >= 0) {
    // fchmod(2) takes no such descriptor, and fchmodat(2) none without a path before Linux 6.6.
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    result = chmod(name, (mode_t)mode);
  }
  int code = errno;
  close(file);
  errno = code;
  return result;
}
