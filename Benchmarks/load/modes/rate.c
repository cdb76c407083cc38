// An open loop: every message has its time, whatever became of those before it. Its latency counts
// from that time: a server that stalls pays for each message that would have been sent meanwhile.
#include "client/process.h"
#include "modes/echoes.h"
#include "modes/modes.h"

enum {
  LATE_NANOSECONDS = 1000000,  // later than this is not on schedule
  SENDS_PER_PASS = 64,         // messages, before echoes are looked for again
  SENDS_PER_TICK = 64,         // the same for each connection, when they are due together
  PATIENCE_CHECK_NANOSECONDS = 200000000,
};

/// Message k of a loop is due k gaps after its first, and goes to connection k modulo their count.
/// All connections have the same rate, and no two the same time; but with a tick all that would be due
/// within it is due at its end, and leaves each connection in one write.
static double gap(const struct loop *loop) {
  return 1e9 / loop->plan->options.rate / loop->count;
}

static uint64_t due(const struct loop *loop, uint64_t message) {
  unsigned threads = loop->plan->options.threads;
  double offset = gap(loop) * loop->number / threads;  // the loops take turns
  uint64_t after = (uint64_t)(offset + gap(loop) * (double)message);
  uint64_t tick = (uint64_t)(loop->plan->options.tick * 1e9);
  return loop->task.start + (tick > 0 ? (after / tick + 1) * tick : after);
}

static void received(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length) {
  uint64_t completed = take_echoes(loop, c, bytes, length);
  for (; completed > 0; completed--) {
    uint64_t message = c->received++ * loop->count + (uint64_t)(c - loop->all);
    record(&loop->findings.latency, loop->now - due(loop, message), 1);
  }
}

static void queue_message(struct loop *loop, uint64_t message, uint64_t now) {
  struct findings *f = &loop->findings;
  struct connection *c = &loop->all[message % loop->count];
  uint64_t lag = now - due(loop, message);
  if (c->state != OPEN) return;  // stalled, and ended by the server
  if (c->is_stalled) {  // what never leaves would only be counted up
    if (c->is_full) return;
  } else {
    c->outstanding++;
    f->issued++;
    f->blocked += c->is_full;
    f->late += lag > LATE_NANOSECONDS;
    record(&f->lag, lag, 1);
  }
  c->to_send += loop->plan->stream.sent_frame_length;
}

/// Sends what is due. Returns the first message that is not.
static uint64_t send_due(struct loop *loop, uint64_t next, uint64_t last) {
  uint64_t first = next, now = monotonic_nanoseconds();
  uint64_t most = loop->plan->options.tick > 0 ? (uint64_t)SENDS_PER_TICK * loop->count
                                               : SENDS_PER_PASS;
  while (next < last && next - first < most && due(loop, next) <= now)
    queue_message(loop, next++, now);
  uint64_t touched = next - first < loop->count ? next - first : loop->count;
  for (uint64_t i = 0; i < touched; i++) {
    struct connection *c = &loop->all[(first + i) % loop->count];
    if (c->state == OPEN) send_queued(loop, c);
  }
  return next;
}

static void prepare(struct loop *loop) {
  for (unsigned i = 0; i < loop->count; i++) loop->all[i].received = 0;
}

static void run(struct loop *loop) {
  struct findings *f = &loop->findings;
  uint64_t last = loop->task.messages;
  if (loop->task.seconds > 0) last = (uint64_t)(loop->task.seconds * 1e9 / gap(loop));
  uint64_t end = due(loop, last);
  bool is_in_time = true;
  for (uint64_t next = 0; next < last || f->completed < f->issued;) {
    next = send_due(loop, next, last);
    int64_t wait = next < last ? (int64_t)(due(loop, next) - monotonic_nanoseconds())
                               : PATIENCE_CHECK_NANOSECONDS;
    if (next == last && is_in_time) {  // what comes later is timed, but did not keep the pace
      int64_t left = (int64_t)(end - monotonic_nanoseconds());
      if (left < wait) wait = left;
    }
    serve(loop, wait > 0 ? wait : 0);
    if (is_in_time) f->completed_in_time = f->completed;
    if (loop->now >= end) is_in_time = false;
    if (is_interrupted() && next < last) last = next, end = loop->now;
    if (f->issued == f->completed) loop->last_progress = loop->now;
    if (loop->now - loop->last_progress > PATIENCE_CHECK_NANOSECONDS)
      check_patience(loop, "echo", f->issued - f->completed);
  }
}

const struct mode_functions rate_mode = {
    .received = received,
    .payload = compare_payload,
    .message = complete_echo,
    .prepare = prepare,
    .run = run,
};
