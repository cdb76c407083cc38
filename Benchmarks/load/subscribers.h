// Many subscribers of one server on one thread.
#pragma once

#include <stdint.h>

#include "deliveries.h"

struct subscribers {
  unsigned count, reading;  // those from `reading` on never read
  int *fds, poller;
  uint64_t reads;  // of the last round
  struct deliveries deliveries;
};

/// Connects and upgrades all of them. `count` and `reading` must be set. Ends the program on any
/// failure.
void open_subscribers(struct subscribers *subscribers, const char *host, uint16_t port);

/// Sends `go` and reads until every reading subscriber has every message. Ends the program when one
/// is lost, doubled or damaged, or when none arrives for 10 seconds.
struct round run_round(struct subscribers *subscribers);
