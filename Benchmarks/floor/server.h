// What both floors share: options, the listening socket, signals, counters, the HTTP upgrade, and
// bytes that had to be kept because a peer was slow.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
  uint16_t port;
  bool prints_stats;
  unsigned buffer_count;       // io_uring: buffers in the provided ring, a power of two
  unsigned buffer_byte_count;  // io_uring: bytes in each
  bool keeps_to_ring;          // io_uring: never move a connection to the hot buffer
};

/// Every system call made and every frame echoed since the start.
struct counters {
  uint64_t system_calls;
  uint64_t messages;
};
extern struct counters counters;

struct options parse_options(int argc, char **argv);

/// A listening socket on 127.0.0.1. Prints `listening port=N`. TCP_NODELAY is inherited from it.
int listen_on(const struct options *options);

/// A descriptor that becomes readable for SIGTERM, SIGINT and, with --stats, once a second.
int open_signals(bool prints_stats);

/// Prints the counters. Returns false when the signal asks to end.
bool answer_signal(int signals);

/// Descriptors are table indices: raises the soft limit to the hard one and returns it.
size_t descriptor_limit(void);

/// Zeroed pages, which cost memory only where they are written.
void *map_zeroed(size_t length);

/// Ends the program: the floors have no limits to keep and no error to survive.
_Noreturn void fail(const char *what, int error);

/// Bytes that wait: an unfinished request, or an answer that the socket did not take.
struct held {
  size_t length, sent, capacity;
  uint8_t bytes[];
};

/// Appends, reallocating as needed; `held` may be NULL. Never while the kernel reads from it.
struct held *hold(struct held *held, const uint8_t *bytes, size_t length);

enum upgrade { UPGRADE_INCOMPLETE, UPGRADE_DONE, UPGRADE_REFUSED };

/// Collects a request in `*request` and answers it on `fd`, whose socket buffer is still empty.
enum upgrade upgrade(int fd, struct held **request, const uint8_t *bytes, size_t length);
