// A closed loop: the next message goes out for each echo, all that one read allows in one write.
#include <stdlib.h>

#include "client/process.h"
#include "modes/echoes.h"
#include "modes/modes.h"

enum { PATIENCE_CHECK_NANOSECONDS = 200000000 };

/// The batch that leaves now: its echoes are timed by it.
static void remember_batch(struct loop *loop, struct connection *c, uint32_t count) {
  uint32_t capacity = loop->plan->options.in_flight;
  uint32_t place = c->first_batch + c->batch_count++;
  if (place >= capacity) place -= capacity;
  loop->batches[(uint64_t)(c - loop->all) * capacity + place] =
      (struct batch){.sent = loop->now, .count = count};
}

static void record_latencies(struct loop *loop, struct connection *c, uint64_t completed) {
  uint32_t capacity = loop->plan->options.in_flight;
  struct batch *batches = loop->batches + (uint64_t)(c - loop->all) * capacity;
  while (completed > 0) {
    struct batch *batch = &batches[c->first_batch];
    uint32_t count = completed < batch->count ? (uint32_t)completed : batch->count;
    record(&loop->findings.latency, loop->now - batch->sent, count);
    completed -= count;
    batch->count -= count;
    if (batch->count > 0) return;
    if (++c->first_batch == capacity) c->first_batch = 0;
    c->batch_count--;
  }
}

static void issue(struct loop *loop, struct connection *c, uint64_t messages) {
  if (messages > loop->to_issue) messages = loop->to_issue;
  if (messages == 0) return;
  loop->to_issue -= messages;
  loop->findings.issued += messages;
  c->outstanding += messages;
  c->to_send += messages * loop->plan->stream.sent_frame_length;
  remember_batch(loop, c, (uint32_t)messages);
  send_queued(loop, c);
}

static void received(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length) {
  uint64_t completed = take_echoes(loop, c, bytes, length);
  if (completed == 0) return;
  record_latencies(loop, c, completed);
  issue(loop, c, completed);
}

/// Those that never read send in every pass what their sockets take, a little at a time: in a
/// closed loop a message without an echo would be their last.
static void send_stalled(struct loop *loop) {
  for (unsigned i = loop->reading; i < loop->count; i++) {
    struct connection *c = &loop->all[i];
    if (c->state != OPEN || c->is_full) continue;
    c->to_send += PERIOD * loop->plan->stream.sent_frame_length;
    send_queued(loop, c);
  }
}

static void run(struct loop *loop) {
  struct findings *f = &loop->findings;
  const struct task *task = &loop->task;
  uint64_t deadline = task->seconds > 0 ? loop->now + (uint64_t)(task->seconds * 1e9) : 0;
  loop->to_issue = task->messages;
  for (unsigned i = 0; i < loop->reading; i++) {
    loop->now = monotonic_nanoseconds();
    issue(loop, &loop->all[i], loop->plan->options.in_flight);
  }
  while (f->completed < f->issued) {
    send_stalled(loop);
    serve(loop, PATIENCE_CHECK_NANOSECONDS);
    if ((deadline > 0 && loop->now >= deadline) || is_interrupted()) loop->to_issue = 0;
    if (loop->now - loop->last_progress > PATIENCE_CHECK_NANOSECONDS)
      check_patience(loop, "echo", f->issued - f->completed);
  }
  f->completed_in_time = f->completed;
}

static void hold(struct loop *loop) {
  if (!loop->plan->options.touches) return;
  loop->task = (struct task){.messages = loop->count};
  run(loop);
}

const struct mode_functions echo_mode = {
    .received = received,
    .payload = compare_payload,
    .message = complete_echo,
    .run = run,
};

const struct mode_functions idle_mode = {
    .received = received,
    .payload = compare_payload,
    .message = complete_echo,
    .run = hold,
};
