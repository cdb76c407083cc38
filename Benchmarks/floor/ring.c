#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>

#include "echo.h"

enum { SQ_ENTRIES = 1024, CQ_ENTRIES = 16384, CACHE_LINE = 64 };

void open_ring(struct ring *ring, const struct options *options) {
  struct io_uring_params params = {
      // No IORING_SETUP_NO_SQARRAY: liburing 2.3 writes the array all the same, over the ring.
      .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
               IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
      .cq_entries = CQ_ENTRIES,
  };
  int result = io_uring_queue_init_params(SQ_ENTRIES, &ring->uring, &params);
  if (result < 0) fail("io_uring_queue_init_params", -result);
  io_uring_register_ring_fd(&ring->uring);

  ring->count = options->buffer_count;
  ring->byte_count = options->buffer_byte_count;
  ring->stride = (HEADROOM + ring->byte_count + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
  ring->buffers = map_zeroed((size_t)ring->count * ring->stride);
  ring->provided = map_zeroed(ring->count * sizeof(struct io_uring_buf));
  struct io_uring_buf_reg registration = {
      .ring_addr = (uintptr_t)ring->provided,
      .ring_entries = ring->count,
  };
  result = io_uring_register_buf_ring(&ring->uring, &registration, 0);
  if (result < 0) fail("io_uring_register_buf_ring", -result);
  for (unsigned i = 0; i < ring->count; i++) give_buffer(ring, i);
  publish_buffers(ring);
}

static void check_submitted(int result) {
  // EINTR and EAGAIN submit again on the next pass; EBUSY goes away once completions are reaped.
  if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY)
    fail("io_uring_enter", -result);
}

struct io_uring_sqe *next_sqe(struct ring *ring) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
  if (!sqe) {
    counters.system_calls++;
    check_submitted(io_uring_submit(&ring->uring));
    sqe = io_uring_get_sqe(&ring->uring);
    if (!sqe) fail("io_uring_get_sqe", EBUSY);
  }
  return sqe;
}

bool submit_and_wait(struct ring *ring) {
  counters.system_calls++;
  check_submitted(io_uring_submit_and_wait(&ring->uring, 1));
  return io_uring_sq_ready(&ring->uring) == 0;
}

void give_buffer(struct ring *ring, unsigned identifier) {
  io_uring_buf_ring_add(ring->provided, buffer(ring, identifier) + HEADROOM, ring->byte_count,
                        identifier, io_uring_buf_ring_mask(ring->count), ring->given++);
}

void publish_buffers(struct ring *ring) {
  if (ring->given == 0) return;
  io_uring_buf_ring_advance(ring->provided, ring->given);
  ring->given = 0;
}
