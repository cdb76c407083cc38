// Many subscribers on one thread, which check that each of them gets every message that a server
// publishes, once, and take the time of every message's last delivery.
//
// A payload is the time of its publishing (16 hexadecimal digits, CLOCK_MONOTONIC in nanoseconds),
// its number from 0 (8 hexadecimal digits), and `x` up to its size.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIME_DIGITS = 16, NUMBER_DIGITS = 8, PAYLOAD_LENGTH_MIN = 32 };

struct subscriber;  // one connection
struct message;     // one that is published in a round

struct subscribers {
  struct subscriber *all;
  unsigned count, reading;  // those from `reading` on never read
  int poller;
  struct message *messages;
  unsigned message_count;
  size_t payload_length, header_length, frame_length;
  uint8_t header[10];       // of every frame, without a mask
  uint8_t *partial;         // `frame_length` bytes for each subscriber
  uint64_t deliveries, reads;
};

struct round {
  uint64_t deliveries, reads;
  uint64_t first_published, last_published, last_arrived;  // nanoseconds
  uint64_t *latencies;                       // of each message to its last subscriber, sorted
  bool has_same_order;                       // all subscribers saw the same sequence
};

/// Connects and upgrades all of them. `counts.count`, `.reading`, `.message_count` and
/// `.payload_length` must be set. Ends the program on any failure.
void open_subscribers(struct subscribers *subscribers, const char *host, uint16_t port);

/// Sends `go` and reads until every reading subscriber has every message. Ends the program when one
/// is lost, doubled or damaged, or when none arrives for 10 seconds.
struct round run_round(struct subscribers *subscribers);
