// Opening handshakes, so many at once. A connection that is open is ended again, and its place is
// used for the next one; or it is kept.
#include "client/closing.h"
#include "client/frames.h"
#include "client/opening.h"
#include "client/process.h"
#include "modes/modes.h"

enum { SERVE_NANOSECONDS = 100000000 };

static bool has_time(const struct loop *loop) {
  if (is_interrupted()) return false;
  return loop->task.seconds == 0 ||
         loop->now < loop->findings.began + (uint64_t)(loop->task.seconds * 1e9);
}

static void open_next(struct loop *loop, struct connection *c) {
  struct findings *f = &loop->findings;
  if (f->issued == loop->task.messages || !has_time(loop)) return;
  uint64_t number = loop->next_to_open++ * loop->plan->options.threads + loop->number;
  f->issued++;
  begin_opening(loop, c, number);
}

static void opened(struct loop *loop, struct connection *c) {
  struct findings *f = &loop->findings;
  f->completed++;
  record(&f->latency, loop->last_progress - c->began, 1);
  if (!loop->plan->options.keeps) {
    begin_closing(loop, c);
    if (c->state == ENDED) open_next(loop, c);
  } else if (f->issued < loop->count) {
    open_next(loop, &loop->all[f->issued]);
  }
}

static void run(struct loop *loop) {
  const struct options *o = &loop->plan->options;
  struct findings *f = &loop->findings;
  unsigned parallel = (o->parallel + o->threads - 1) / o->threads;
  uint64_t checked = loop->now;
  for (unsigned i = 0; i < parallel && i < loop->count; i++) open_next(loop, &loop->all[i]);
  while (f->completed < f->issued || (!o->keeps && loop->closing_count > 0)) {
    serve(loop, SERVE_NANOSECONDS);
    if (loop->now - checked < SERVE_NANOSECONDS) continue;
    checked = loop->now;
    check_openings(loop);
    check_closings(loop);
  }
}

const struct mode_functions connect_mode = {
    .opened = opened,
    .received = take_frames,
    .ended = open_next,
    .run = run,
};
