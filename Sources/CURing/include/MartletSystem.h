// What glibc declares only with _GNU_SOURCE, which Swift's Glibc module is compiled without, or not in
// every version that Swift runs on.
#ifndef MARTLET_SYSTEM_H
#define MARTLET_SYSTEM_H
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/// accept4(2): takes a connection as a descriptor that does not block and is closed on exec. -1: errno.
int martlet_accept(int listener);

/// epoll_pwait2(2), Linux 5.11: as epoll_wait, with nanoseconds to wait. Missing from glibc before 2.35.
int martlet_epoll_wait_nanoseconds(int epoll, struct epoll_event *events, int count, int64_t nanoseconds);

/// pthread_setname_np(3) for the calling thread: at most 15 bytes.
void martlet_thread_set_name(const char *name);

/// sched_getaffinity(2) of the calling thread, as bits in words. -1: errno.
int martlet_thread_get_affinity(unsigned long *words, size_t word_count);

/// sched_setaffinity(2) of the calling thread. -1: errno.
int martlet_thread_set_affinity(const unsigned long *words, size_t word_count);

/// What the kernel holds of a stream socket's bytes. -1: the kernel does not say.
struct martlet_socket_bytes {
  /// Bytes that the peer has acknowledged since the connection was made: TCP only, Linux 4.1.
  int64_t acknowledged;
  /// Bytes that were sent and that the peer has not acknowledged. Of a Unix socket: memory that holds
  /// what the peer has not read.
  int64_t unacknowledged;
  /// Bytes that have arrived and have not been received.
  int64_t unread;
};

/// Asks with TCP_INFO, SIOCOUTQ and SIOCINQ: tcp(7), unix(7).
struct martlet_socket_bytes martlet_socket_bytes(int socket);

/// dup3(2): makes `number` another name of the open file `descriptor`, closed on exec, in place of what it
/// named. -1: errno.
int martlet_replace_descriptor(int descriptor, int number);

/// Sets the owner, the group (-1: left as it is) and the permissions (-1: left as they are) of a Unix
/// socket's file. Follows no symbolic link, and touches nothing but a socket. -1: errno.
int martlet_socket_file_set(const char *path, int64_t owner, int64_t group, int mode);

/// malloc_trim(3): gives the kernel back what is free in all arenas.
void martlet_malloc_trim(void);

#endif
