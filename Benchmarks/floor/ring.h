// One io_uring with one provided-buffer ring, counting its system calls.
#pragma once

#include <liburing.h>
#include <stdint.h>

#include "server.h"

struct ring {
  struct io_uring uring;
  struct io_uring_buf_ring *provided;
  uint8_t *buffers;
  unsigned count, byte_count, stride;
  unsigned given;  // buffers added since the last publish
};

void open_ring(struct ring *ring, const struct options *options);

/// A cleared submission entry; submits what is there when the queue is full.
struct io_uring_sqe *next_sqe(struct ring *ring);

/// One enter: submits, waits for a completion, runs deferred work. False when the kernel left
/// entries in the queue for the next one.
bool submit_and_wait(struct ring *ring);

static inline uint8_t *buffer(const struct ring *ring, unsigned identifier) {
  return ring->buffers + (size_t)identifier * ring->stride;
}

/// Gives a buffer back; the kernel sees it after publish_buffers.
void give_buffer(struct ring *ring, unsigned identifier);

void publish_buffers(struct ring *ring);
