// What one run of all loops has found together.
#pragma once

#include <stdio.h>

#include "client/loop.h"

struct outcome {
  const struct plan *plan;
  struct histogram latency, lag;
  uint64_t messages, messages_in_time, issued, bytes, reads, late, blocked, pings, stalled_ended;
  double seconds, cpu_seconds, cpu_share;  // the share is that of the busiest loop
  double publishing_seconds;               // of broadcasts
  bool has_same_order;
  bool is_load_bound, is_schedule_kept;
};

/// `seconds` of the schedule; 0: from the first loop's beginning to the last one's end.
void gather(struct outcome *outcome, const struct plan *plan, struct loop *loops);

/// For people, on stdout.
void print_report(const struct outcome *outcome);

/// One line, for programs. README.md documents its keys.
void print_json(const struct outcome *outcome, FILE *to);
