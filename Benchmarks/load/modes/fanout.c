// Subscribers of a server that broadcasts when it is told `go`.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "client/frames.h"
#include "client/process.h"
#include "modes/modes.h"

enum {
  QUIET_NANOSECONDS = 50000000,  // after the last message, to see that it is the last
  PATIENCE_CHECK_NANOSECONDS = 200000000,
};

static void received(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length) {
  struct deliveries *d = &loop->deliveries;
  unsigned subscriber = (unsigned)(c - loop->all);
  while (length > 0) {
    bool is_control = !is_between_messages(c) ||
                      (d->received[subscriber].partial_length == 0 && bytes[0] & CONTROL_BIT);
    size_t used = is_control ? take_frame(loop, c, bytes, length)
                             : take_bytes(d, subscriber, bytes, length, loop->now);
    bytes += used;
    length -= used;
  }
  loop->findings.completed = d->count;
}

static void prepare(struct loop *loop) {
  const struct deliveries *d = &loop->deliveries;
  uint64_t all = (uint64_t)d->subscriber_count * d->message_count;
  if (d->count != (d->round_count > 0 ? all : 0))
    give_up(WRONG_MESSAGE, "the server publishes before it is told `go`");
  for (unsigned i = 0; i < loop->deliveries.subscriber_count; i++)
    if (loop->deliveries.received[i].partial_length > 0)
      give_up(WRONG_MESSAGE, "bytes behind the last message");
  begin_round(&loop->deliveries);
}

static void send_go(struct loop *loop) {
  struct connection *c = &loop->all[0];
  static const uint8_t go[] = {0x81, 0x82, 1, 2, 3, 4, 'g' ^ 1, 'o' ^ 2};
  if (send(c->fd, go, sizeof go, MSG_NOSIGNAL) != sizeof go)
    give_up(CONNECTION_LOST, "`go` could not be sent: %s", strerror(errno));
}

static void run(struct loop *loop) {
  struct findings *f = &loop->findings;
  const struct deliveries *d = &loop->deliveries;
  uint64_t expected = (uint64_t)d->subscriber_count * d->message_count;
  f->issued = expected;
  if (loop->number == 0) send_go(loop);
  while (d->count < expected) {
    serve(loop, PATIENCE_CHECK_NANOSECONDS);
    if (loop->now - loop->last_progress > PATIENCE_CHECK_NANOSECONDS)
      check_patience(loop, "delivery", expected - d->count);
  }
  do {
    serve(loop, QUIET_NANOSECONDS);
  } while (loop->now - loop->last_progress < QUIET_NANOSECONDS);
  f->round = end_round(d);
}

const struct mode_functions fanout_mode = {.received = received, .prepare = prepare, .run = run};

static void greet(struct loop *loop) {
  for (unsigned i = 0; i < loop->count && loop->plan->options.greeting; i++) {
    loop->all[i].to_send += loop->plan->stream.sent_frame_length;
    send_queued(loop, &loop->all[i]);
  }
}

static void count_bytes(struct loop *loop, struct connection *c, const uint8_t *bytes,
                        size_t length) {
  (void)c, (void)bytes;
  loop->findings.bytes += length;
}

static void count_message(struct loop *loop, struct connection *c) {
  (void)c;
  loop->findings.completed++;
}

static void count_for_a_time(struct loop *loop) {
  const struct task *task = &loop->task;
  uint64_t end = task->seconds > 0 ? loop->now + (uint64_t)(task->seconds * 1e9) : UINT64_MAX;
  greet(loop);
  while (loop->now < end && loop->findings.completed < task->messages && !is_interrupted()) {
    uint64_t left = end - loop->now;
    serve(loop, left < PATIENCE_CHECK_NANOSECONDS ? (int64_t)left : PATIENCE_CHECK_NANOSECONDS);
    if (end == UINT64_MAX && loop->now - loop->last_progress > PATIENCE_CHECK_NANOSECONDS)
      check_patience(loop, "message", task->messages - loop->findings.completed);
  }
}

const struct mode_functions passive_mode = {
    .received = take_frames,
    .payload = count_bytes,
    .message = count_message,
    .run = count_for_a_time,
};
