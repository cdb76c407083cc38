#include "report/outcome.h"

#include <string.h>

#include "client/process.h"

/// An event loop that is this busy is what limits the exchange, not the server.
static const double bound_share = 0.9;

/// So many of an open loop's messages may be late before its schedule counts as not kept.
static const double late_share_max = 0.01;

static void gather_round(struct outcome *o, struct loop *loops, unsigned loop_count) {
  struct round *round = &loops[0].found.round;
  unsigned message_count = loops[0].deliveries.message_count;
  uint64_t busiest = loops[0].found.cpu_nanoseconds;
  for (unsigned i = 1; i < loop_count; i++) {
    add_round(round, &loops[i].found.round, message_count);
    if (loops[i].found.cpu_nanoseconds > busiest) busiest = loops[i].found.cpu_nanoseconds;
  }
  for (unsigned i = 0; i < message_count; i++)
    record(&o->latency, round->arrived[i] - round->published[i], 1);
  o->messages = round->deliveries;
  o->has_same_order = round->has_same_order;
  o->seconds = (double)(round->last_arrived - round->first_published) / 1e9;
  o->publishing_seconds = (double)(round->last_published - round->first_published) / 1e9;
  // Checking what came is done after the last arrival, and is little beside receiving it.
  o->cpu_share =
      (double)busiest / (double)(round->last_arrived - loops[0].found.began);
}

void gather(struct outcome *o, const struct plan *plan, struct loop *loops) {
  const struct options *options = &plan->options;
  uint64_t began = UINT64_MAX, ended = 0;
  memset(o, 0, sizeof *o);
  o->plan = plan;
  for (unsigned i = 0; i < options->threads; i++) {
    const struct findings *f = &loops[i].found;
    add(&o->latency, &f->latency);
    add(&o->lag, &f->lag);
    o->messages += f->completed;
    o->messages_in_time += f->completed_in_time;
    o->issued += f->issued;
    o->bytes += f->bytes;
    o->reads += f->reads;
    o->late += f->late;
    o->blocked += f->blocked;
    o->pings += f->pings;
    o->stalled_ended += f->stalled_ended;
    o->cpu_seconds += (double)f->cpu_nanoseconds / 1e9;
    double share = (double)f->cpu_nanoseconds / (double)(f->ended - f->began + 1);
    if (share > o->cpu_share) o->cpu_share = share;
    if (f->began < began) began = f->began;
    if (f->ended > ended) ended = f->ended;
  }
  o->seconds = (double)(ended - began) / 1e9;
  if (options->mode == MODE_FANOUT && !options->is_passive)
    gather_round(o, loops, options->threads);
  o->is_schedule_kept = (double)o->late <= late_share_max * (double)o->issued;
  o->is_load_bound = o->cpu_share >= bound_share || !o->is_schedule_kept;
}
