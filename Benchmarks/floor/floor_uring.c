// The floor on io_uring. Small messages: multishot receive into a ring of small buffers, answered
// from those buffers by inline sends, everything in one enter per pass. Large messages: poll, then
// recv and send on one hot buffer, because a pool of large buffers never stays in the cache.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"
#include "ring.h"
#include "server.h"

enum { HOT_BYTE_COUNT = 512 * 1024 };

enum operation { NONE, ACCEPT, SIGNAL, RECEIVE, POLL, SEND, SEND_HELD };

/// One cache line.
struct connection {
  struct echo echo;
  struct held *waiting;  // an unfinished request, then answers behind the slow send
  struct held *flying;   // answers that the kernel is sending, slowly
  uint8_t *out;          // the answer to this pass's receive, still in its buffer
  uint32_t out_length;
  uint16_t out_buffer;
  bool is_open : 1, is_hot : 1, is_ending : 1, is_dirty : 1;
  bool is_receiving : 1, is_polling : 1, has_unread : 1, is_full : 1;
};
_Static_assert(sizeof(struct connection) == 64, "one cache line");

static struct connection *connections;  // indexed by descriptor
static struct ring ring;
static bool keeps_to_ring;
static uint8_t hot[HEADROOM + HOT_BYTE_COUNT] __attribute__((aligned(4096)));

/// Connections with something to send at the end of the pass, each once.
static int *dirty;
static unsigned dirty_count;

/// Per buffer: what the last enter sent from it. A failed send finds its rest here.
static struct span *sent_from;
static uint16_t *sent_buffers;
static unsigned sent_count;

static uint64_t tag(enum operation operation, int fd, unsigned buffer) {
  return (uint64_t)operation << 56 | (uint64_t)buffer << 32 | (uint32_t)fd;
}

static void mark_dirty(int fd) {
  if (connections[fd].is_dirty) return;
  connections[fd].is_dirty = true;
  dirty[dirty_count++] = fd;
}

// Arming

static void arm_accept(int listener) {
  struct io_uring_sqe *sqe = next_sqe(&ring);
  io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  io_uring_sqe_set_data64(sqe, tag(ACCEPT, listener, 0));
}

static void arm_receive(int fd, unsigned flags) {
  struct io_uring_sqe *sqe = next_sqe(&ring);
  io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->ioprio |= flags;
  io_uring_sqe_set_data64(sqe, tag(RECEIVE, fd, 0));
  connections[fd].is_receiving = true;
}

static void arm_poll(int fd, unsigned events, enum operation operation) {
  struct io_uring_sqe *sqe = next_sqe(&ring);
  io_uring_prep_poll_multishot(sqe, fd, events);
  io_uring_sqe_set_data64(sqe, tag(operation, fd, 0));
}

static void cancel(enum operation operation, int fd) {
  struct io_uring_sqe *sqe = next_sqe(&ring);
  io_uring_prep_cancel64(sqe, tag(operation, fd, 0), 0);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, tag(NONE, fd, 0));
}

// Ending

/// Closes once the kernel holds nothing of the connection any more.
static void close_if_idle(int fd) {
  struct connection *connection = &connections[fd];
  if (connection->is_receiving || connection->is_polling || connection->flying) return;
  if (connection->is_dirty) return;  // the flush of this pass comes back here
  free(connection->waiting);
  *connection = (struct connection){0};
  counters.system_calls++;
  close(fd);
}

static void end(int fd) {
  struct connection *connection = &connections[fd];
  if (!connection->is_ending) {
    connection->is_ending = true;
    counters.system_calls++;
    shutdown(fd, SHUT_RDWR);  // ends the multishot receive and a slow send by themselves
    if (connection->is_polling) cancel(POLL, fd);
  }
  close_if_idle(fd);
}

// Sending

static void start_slow_send(int fd, struct connection *connection) {
  if (connection->flying || !connection->waiting) return;
  connection->flying = connection->waiting;
  connection->waiting = NULL;
  struct held *held = connection->flying;
  struct io_uring_sqe *sqe = next_sqe(&ring);
  io_uring_prep_send(sqe, fd, held->bytes, held->length, MSG_WAITALL | MSG_NOSIGNAL);
  if (connection->is_full) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
  connection->is_full = false;
  io_uring_sqe_set_data64(sqe, tag(SEND_HELD, fd, 0));
}

/// MSG_DONTWAIT makes the send finish inside the enter that submits it; MSG_WAITALL makes a short
/// one a failure, so that only failures complete and the buffer is free when the enter returns.
static void send_inline(int fd, struct connection *connection) {
  struct io_uring_sqe *sqe = next_sqe(&ring);
  uint16_t identifier = connection->out_buffer;
  io_uring_prep_send(sqe, fd, connection->out, connection->out_length,
                     MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, tag(SEND, fd, identifier));
  sent_from[identifier] = (struct span){connection->out, connection->out_length};
  sent_buffers[sent_count++] = identifier;
  connection->out_length = 0;
}

/// Moves this pass's answer behind whatever already waits.
static void hold_out(struct connection *connection) {
  if (connection->out_length == 0) return;
  connection->waiting = hold(connection->waiting, connection->out, connection->out_length);
  connection->out_length = 0;
  give_buffer(&ring, connection->out_buffer);
}

static void flush_dirty(void) {
  for (unsigned i = 0; i < dirty_count; i++) {
    int fd = dirty[i];
    struct connection *connection = &connections[fd];
    connection->is_dirty = false;
    if (connection->is_ending) {
      hold_out(connection);
      close_if_idle(fd);
    } else if (connection->waiting || connection->flying) {
      hold_out(connection);
      start_slow_send(fd, connection);
    } else if (connection->out_length > 0) {
      send_inline(fd, connection);
    }
  }
  dirty_count = 0;
}

/// Takes over the answer in a ring buffer: one send per connection and pass, two never overlap.
static void answer(int fd, struct connection *connection, struct span out, unsigned identifier) {
  if (connection->out_length == 0 && out.length > 0) {
    connection->out = out.bytes;
    connection->out_length = (uint32_t)out.length;
    connection->out_buffer = (uint16_t)identifier;
    mark_dirty(fd);
    return;
  }
  if (out.length > 0) {
    uint8_t *tail = connection->out + connection->out_length;
    uint8_t *end = buffer(&ring, connection->out_buffer) + HEADROOM + ring.byte_count;
    if (out.length <= (size_t)(end - tail)) {  // a few small frames: copying is cheaper than a send
      memcpy(tail, out.bytes, out.length);
      connection->out_length += (uint32_t)out.length;
    } else {
      hold_out(connection);
      connection->waiting = hold(connection->waiting, out.bytes, out.length);
    }
  }
  give_buffer(&ring, identifier);
}

// Completions

static void accepted(int listener, struct io_uring_cqe *cqe) {
  if (cqe->res >= 0) {
    connections[cqe->res] = (struct connection){0};
    arm_receive(cqe->res, 0);
  } else if (cqe->res != -ECONNABORTED && cqe->res != -EINTR) {
    fail("accept", -cqe->res);
  }
  if (!(cqe->flags & IORING_CQE_F_MORE)) arm_accept(listener);
}

static void received_bytes(int fd, struct connection *connection, unsigned identifier,
                           unsigned length) {
  uint8_t *bytes = buffer(&ring, identifier) + HEADROOM;
  if (connection->is_open) {
    struct span out = echo_in_place(&connection->echo, bytes, length, &counters.messages);
    answer(fd, connection, out, identifier);
    // Whoever fills a buffer would fill many: move it to the hot one.
    if (length == ring.byte_count && !connection->is_hot && !keeps_to_ring) {
      connection->is_hot = true;
      cancel(RECEIVE, fd);
    }
    return;
  }
  enum upgrade result = upgrade(fd, &connection->waiting, bytes, length);
  give_buffer(&ring, identifier);
  connection->is_open = result == UPGRADE_DONE;
  if (result == UPGRADE_REFUSED) end(fd);
}

static void received(int fd, struct io_uring_cqe *cqe) {
  struct connection *connection = &connections[fd];
  bool is_last = !(cqe->flags & IORING_CQE_F_MORE);
  connection->is_receiving = !is_last;
  if (cqe->flags & IORING_CQE_F_BUFFER) {
    unsigned identifier = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    if (cqe->res > 0 && !connection->is_ending) {
      received_bytes(fd, connection, identifier, cqe->res);
    } else {
      give_buffer(&ring, identifier);
    }
  }
  if (!is_last) return;
  bool can_go_on = cqe->res > 0 || cqe->res == -ENOBUFS || cqe->res == -ECANCELED;
  if (!can_go_on || connection->is_ending) {
    end(fd);
  } else if (connection->is_hot) {
    connection->is_polling = true;
    arm_poll(fd, POLLIN | POLLRDHUP, POLL);
  } else {
    // Out of buffers: they come back within this pass. POLL_FIRST, since arming tries at once.
    arm_receive(fd, cqe->res == -ENOBUFS ? IORING_RECVSEND_POLL_FIRST : 0);
  }
}

/// Reads into the hot buffer and answers from it. Like epoll's: a short read emptied the socket.
static void receive_hot(int fd, struct connection *connection, bool until_end) {
  connection->has_unread = connection->waiting || connection->flying || connection->out_length > 0;
  while (!connection->has_unread) {
    counters.system_calls++;
    ssize_t count = recv(fd, hot + HEADROOM, HOT_BYTE_COUNT, MSG_DONTWAIT);
    if (count <= 0) {
      if (count == 0 || errno != EAGAIN) end(fd);
      return;
    }
    struct span out = echo_in_place(&connection->echo, hot + HEADROOM, count, &counters.messages);
    if (out.length > 0) {
      counters.system_calls++;
      ssize_t sent = send(fd, out.bytes, out.length, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) {
        end(fd);
        return;
      }
      if (sent < 0) sent = 0;
      if ((size_t)sent < out.length) {
        connection->waiting = hold(NULL, out.bytes + sent, out.length - sent);
        connection->has_unread = connection->is_full = true;
        mark_dirty(fd);
      }
    }
    if (count < HOT_BYTE_COUNT && !until_end) return;
  }
}

static void polled(int fd, struct io_uring_cqe *cqe) {
  struct connection *connection = &connections[fd];
  connection->is_polling = cqe->flags & IORING_CQE_F_MORE;
  if (connection->is_ending || cqe->res < 0) {
    end(fd);
    return;
  }
  if (!connection->is_polling) {
    connection->is_polling = true;
    arm_poll(fd, POLLIN | POLLRDHUP, POLL);
  }
  receive_hot(fd, connection, cqe->res & (POLLRDHUP | POLLHUP | POLLERR));
}

/// An inline send that did not take everything. Its completion was posted before any receive of the
/// same enter, so nothing newer waits yet.
static void sent_partly(int fd, struct io_uring_cqe *cqe, unsigned identifier) {
  struct connection *connection = &connections[fd];
  if (cqe->res < 0 && cqe->res != -EAGAIN) {
    end(fd);
    return;
  }
  size_t sent = cqe->res < 0 ? 0 : cqe->res;
  struct span rest = sent_from[identifier];
  connection->waiting = hold(connection->waiting, rest.bytes + sent, rest.length - sent);
  connection->is_full = true;
  mark_dirty(fd);
}

static void sent_held(int fd, struct io_uring_cqe *cqe) {
  struct connection *connection = &connections[fd];
  struct held *held = connection->flying;
  bool is_complete = cqe->res == (int)held->length;
  free(held);
  connection->flying = NULL;
  if (!is_complete || connection->is_ending) {
    end(fd);
  } else if (connection->waiting) {
    mark_dirty(fd);
  } else if (connection->has_unread) {
    receive_hot(fd, connection, true);  // edges that came while nothing was read are lost
  }
}

/// False when the program shall end.
static bool handle(struct io_uring_cqe *cqe) {
  enum operation operation = cqe->user_data >> 56;
  int fd = (int)(uint32_t)cqe->user_data;
  switch (operation) {
    case NONE: break;
    case ACCEPT: accepted(fd, cqe); break;
    case RECEIVE: received(fd, cqe); break;
    case POLL: polled(fd, cqe); break;
    case SEND: sent_partly(fd, cqe, cqe->user_data >> 32 & 0xffff); break;
    case SEND_HELD: sent_held(fd, cqe); break;
    case SIGNAL:
      if (!(cqe->flags & IORING_CQE_F_MORE)) arm_poll(fd, POLLIN, SIGNAL);
      return answer_signal(fd);
  }
  return true;
}

static void run(void) {
  for (;;) {
    bool is_submitted = submit_and_wait(&ring);
    struct io_uring_cqe *cqe;
    unsigned head, seen = 0;
    bool goes_on = true;
    io_uring_for_each_cqe(&ring.uring, head, cqe) {
      goes_on &= handle(cqe);
      seen++;
    }
    io_uring_cq_advance(&ring.uring, seen);
    if (!goes_on) return;
    if (is_submitted) {  // and failed sends have been seen: what was sent from is free
      for (unsigned i = 0; i < sent_count; i++) give_buffer(&ring, sent_buffers[i]);
      sent_count = 0;
    }
    flush_dirty();
    publish_buffers(&ring);
  }
}

int main(int argc, char **argv) {
  struct options options = parse_options(argc, argv);
  keeps_to_ring = options.keeps_to_ring;
  int signals = open_signals(options.prints_stats);
  size_t limit = descriptor_limit();
  connections = map_zeroed(limit * sizeof *connections);
  dirty = map_zeroed(limit * sizeof *dirty);
  sent_from = map_zeroed(options.buffer_count * sizeof *sent_from);
  sent_buffers = map_zeroed(options.buffer_count * sizeof *sent_buffers);
  open_ring(&ring, &options);
  int listener = listen_on(&options);
  arm_accept(listener);
  arm_poll(signals, POLLIN, SIGNAL);
  run();
}
