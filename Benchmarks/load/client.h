// Many WebSocket clients on one thread, in a closed loop: a new message for every echo.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

struct client;  // one connection

struct clients {
  struct client *all;
  unsigned count, in_flight;
  struct stream stream;
  int poller;
  uint64_t to_issue, issued, completed;  // messages of the running phase
  double deadline;                       // seconds of the monotonic clock, or 0
};

/// Connects and upgrades every client, one after the other. Ends the program on any failure.
void open_clients(struct clients *clients, const char *host, uint16_t port);

/// Runs until `messages` have been echoed, or for `seconds` if that is not 0, and every echo is in.
void run_phase(struct clients *clients, uint64_t messages, double seconds);

/// Closes every connection so that the server is told by RST.
void reset_clients(struct clients *clients);
