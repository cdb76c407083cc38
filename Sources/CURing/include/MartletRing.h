// What Swift cannot import of io_uring, and what liburing 2.3 does not know yet.
//
// Constants carry names of their own where liburing has an enum for them, so that a newer liburing,
// which knows them, can be used as well.
#ifndef MARTLET_RING_H
#define MARTLET_RING_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <liburing.h>

// IOSQE_* are shifts of enum constants, which Swift does not import.
static const uint8_t MARTLET_SQE_FIXED_FILE = IOSQE_FIXED_FILE;
static const uint8_t MARTLET_SQE_BUFFER_SELECT = IOSQE_BUFFER_SELECT;
static const uint8_t MARTLET_SQE_CQE_SKIP_SUCCESS = IOSQE_CQE_SKIP_SUCCESS;

// io_uring_params.flags
static const uint32_t MARTLET_SETUP_NO_SQARRAY = 1u << 16;  // Linux 6.6

// io_uring_params.features
static const uint32_t MARTLET_FEATURE_MIN_WAIT = 1u << 15;   // Linux 6.12
static const uint32_t MARTLET_FEATURE_NO_IOWAIT = 1u << 17;  // Linux 6.15

// io_uring_enter flags
static const uint32_t MARTLET_ENTER_NO_IOWAIT = 1u << 7;  // Linux 6.15

// poll(2), which needs _GNU_SOURCE to say so
static const int32_t MARTLET_POLLRDHUP = 0x2000;

// Operations
static const uint8_t MARTLET_OPERATION_FIXED_FD_INSTALL = 54;  // Linux 6.8

// Commands of IORING_OP_URING_CMD on sockets
static const uint32_t MARTLET_SOCKET_SIOCOUTQ = 1;    // Linux 6.7
static const uint32_t MARTLET_SOCKET_SETSOCKOPT = 3;  // Linux 6.7

/// struct io_uring_getevents_arg as of Linux 6.12, which gave its padding a meaning.
struct martlet_wait {
  uint64_t sigmask;
  uint32_t sigmask_sz;
  uint32_t min_wait_usec;
  uint64_t ts;
};

/// struct io_uring_cqe without its flexible array.
struct martlet_completion {
  uint64_t token;
  int32_t result;
  uint32_t flags;
};

/// Points each entry of the submission array at the entry of its own index, once and for all.
/// liburing up to 2.2 filled it at each submission, later ones do as this does or need none.
static inline void martlet_ring_map_identity(struct io_uring *ring, uint32_t setup_flags) {
  if ((setup_flags & MARTLET_SETUP_NO_SQARRAY) || !ring->sq.array) return;
  for (unsigned index = 0; index < ring->sq.ring_entries; index++) ring->sq.array[index] = index;
}

/// Submissions prepared but not yet consumed by the kernel.
static inline uint32_t martlet_ring_unsubmitted(const struct io_uring *ring) {
  return ring->sq.sqe_tail - __atomic_load_n(ring->sq.khead, __ATOMIC_ACQUIRE);
}

/// The next submission, zeroed; NULL when the queue is full.
static inline struct io_uring_sqe *martlet_ring_next_submission(struct io_uring *ring) {
  struct io_uring_sq *queue = &ring->sq;
  if (martlet_ring_unsubmitted(ring) >= queue->ring_entries) return NULL;
  struct io_uring_sqe *sqe = &queue->sqes[queue->sqe_tail & queue->ring_mask];
  queue->sqe_tail++;
  memset(sqe, 0, sizeof *sqe);
  return sqe;
}

/// Shows the kernel what was prepared, and enters it: io_uring_enter(2), returning -errno.
/// `wait` is needed with IORING_ENTER_EXT_ARG only.
static inline int martlet_ring_enter(struct io_uring *ring, uint32_t wait_count, uint32_t flags,
                                     struct martlet_wait *wait) {
  ring->sq.sqe_head = ring->sq.sqe_tail;
  __atomic_store_n(ring->sq.ktail, ring->sq.sqe_tail, __ATOMIC_RELEASE);
  // Without EXT_ARG the argument is a signal mask of _NSIG / 8 bytes: there is none.
  return io_uring_enter2(ring->ring_fd, martlet_ring_unsubmitted(ring), wait_count, flags,
                         (void *)wait, wait ? sizeof *wait : 8);
}

/// Completions that can be taken.
static inline uint32_t martlet_ring_completion_count(const struct io_uring *ring) {
  return __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE) - *ring->cq.khead;
}

/// Takes the oldest completion; there must be one.
static inline struct martlet_completion martlet_ring_take_completion(struct io_uring *ring) {
  const unsigned head = *ring->cq.khead;
  const struct io_uring_cqe *cqe = &ring->cq.cqes[head & ring->cq.ring_mask];
  const struct martlet_completion taken = {cqe->user_data, cqe->res, cqe->flags};
  __atomic_store_n(ring->cq.khead, head + 1, __ATOMIC_RELEASE);
  return taken;
}

/// Whether a completion with this token can be taken, and its result. Takes none.
static inline bool martlet_ring_find_completion(const struct io_uring *ring, uint64_t token,
                                                int32_t *result) {
  const unsigned end = __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE);
  for (unsigned position = *ring->cq.khead; position != end; position++) {
    const struct io_uring_cqe *cqe = &ring->cq.cqes[position & ring->cq.ring_mask];
    if (cqe->user_data != token) continue;
    *result = cqe->res;
    return true;
  }
  return false;
}

/// How many provided buffers the completions hold that can be taken.
static inline unsigned martlet_ring_completed_buffer_count(const struct io_uring *ring) {
  const unsigned end = __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE);
  unsigned count = 0;
  for (unsigned position = *ring->cq.khead; position != end; position++)
    if (ring->cq.cqes[position & ring->cq.ring_mask].flags & IORING_CQE_F_BUFFER) count++;
  return count;
}

/// Whether completions wait in the kernel for room in the queue.
static inline bool martlet_ring_has_overflowed(const struct io_uring *ring) {
  return __atomic_load_n(ring->sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW;
}

/// Puts a buffer at the tail of a ring of provided buffers and shows it to the kernel.
static inline void martlet_buffer_ring_add(struct io_uring_buf_ring *ring, uint16_t mask,
                                           void *address, uint32_t byte_count,
                                           uint16_t identifier) {
  const uint16_t tail = ring->tail;
  struct io_uring_buf *entry = (struct io_uring_buf *)ring + (tail & mask);
  entry->addr = (uintptr_t)address;
  entry->len = byte_count;
  entry->bid = identifier;
  // A release: liburing 2.3 has a plain store in places, which is too little on ARM.
  __atomic_store_n(&ring->tail, (uint16_t)(tail + 1), __ATOMIC_RELEASE);
}

/// Registers a ring of provided buffers: io_uring_register(2), returning -errno.
static inline int martlet_buffer_ring_register(struct io_uring *ring, void *address,
                                               uint32_t entry_count, uint16_t group) {
  struct io_uring_buf_reg registration;
  memset(&registration, 0, sizeof registration);
  registration.ring_addr = (uintptr_t)address;
  registration.ring_entries = entry_count;
  registration.bgid = group;
  return io_uring_register(ring->ring_fd, IORING_REGISTER_PBUF_RING, &registration, 1);
}

/// Allows an operation, a kind of registration or flags: fills one rule of io_uring_restriction.
static inline struct io_uring_restriction martlet_restriction(uint16_t kind, uint8_t value) {
  struct io_uring_restriction rule;
  memset(&rule, 0, sizeof rule);
  rule.opcode = kind;
  rule.sqe_op = value;
  return rule;
}

/// Makes a zeroed submission set a socket's option. The value must stay until it is submitted.
static inline void martlet_prepare_setsockopt(struct io_uring_sqe *sqe, int level, int option,
                                              const void *value, uint32_t byte_count) {
  // Fields that Linux 6.7 laid over older ones, under names that liburing 2.3 does not have.
  const uint32_t names[2] = {(uint32_t)level, (uint32_t)option};
  const uint64_t address = (uintptr_t)value;
  sqe->opcode = IORING_OP_URING_CMD;
  sqe->off = MARTLET_SOCKET_SETSOCKOPT;
  memcpy(&sqe->addr, names, sizeof names);
  memcpy(&sqe->splice_fd_in, &byte_count, sizeof byte_count);
  memcpy(&sqe->addr3, &address, sizeof address);
}

#endif
