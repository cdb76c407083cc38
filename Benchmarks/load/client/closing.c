#define _GNU_SOURCE
#include "client/closing.h"

#include <unistd.h>

#include "client/process.h"

enum { CLOSE = 8, SERVE_NANOSECONDS = 100000000 };

void forget_connection(struct loop *loop, struct connection *c) {
  if (c->state == CLOSING || c->state == FINISHED) loop->closing_count--;
  if (c->state >= OPEN && c->state < ENDED) loop->open_count--;
  c->state = ENDED;
  close(c->fd);
  c->fd = -1;
}

static void reset(struct loop *loop, struct connection *c) {
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  forget_connection(loop, c);
}

void begin_closing(struct loop *loop, struct connection *c) {
  static const uint8_t normal_closure[] = {1000 >> 8, 1000 & 255};
  if (c->state != OPEN) return;
  // What a stalled one would have to read before the close frame is what it never reads.
  if (loop->plan->options.ending == END_BY_RESET || c->is_stalled) return reset(loop, c);
  if (loop->plan->options.ending == END_BY_FIN) return forget_connection(loop, c);
  c->state = CLOSING;
  c->began = monotonic_nanoseconds();
  loop->closing_count++;
  queue_control(c, CLOSE, normal_closure, sizeof normal_closure);
  send_queued(loop, c);
}

void check_closings(struct loop *loop) {
  uint64_t patience = (uint64_t)(loop->plan->options.timeout * 1e9);
  uint64_t now = monotonic_nanoseconds();
  for (unsigned i = 0; i < loop->count; i++) {
    struct connection *c = &loop->all[i];
    if ((c->state != CLOSING && c->state != FINISHED) || now - c->began < patience) continue;
    if (c->state == CLOSING) {
      loop->unclosed++;
      loop->unclosed_reason = "no close frame in answer";
    }
    reset(loop, c);
    if (loop->plan->mode->ended) loop->plan->mode->ended(loop, c);
  }
}

void close_all(struct loop *loop) {
  for (unsigned i = 0; i < loop->count; i++) begin_closing(loop, &loop->all[i]);
  while (loop->closing_count > 0) {
    serve(loop, SERVE_NANOSECONDS);
    check_closings(loop);
  }
}
