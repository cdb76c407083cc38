// What subscribers receive, checked: each gets every message of a round once, undamaged. Knows
// nothing of sockets.
//
// A payload is the time of its publishing (16 hexadecimal digits, CLOCK_MONOTONIC in nanoseconds),
// its number from 0 (8 hexadecimal digits), and `x` up to its size.
//
// The first subscriber to receive a message appends its frame to the reference. The others should
// receive the same bytes at the same place, so that checking theirs is one comparison however many
// there are. Only who sees another order is looked at frame by frame.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIME_DIGITS = 16, NUMBER_DIGITS = 8, PAYLOAD_LENGTH_MIN = 32 };

/// Of a frame's first byte. No data frame has it.
enum { CONTROL_BIT = 8 };

struct received {  // by one subscriber
  unsigned partial_length;  // bytes of a frame whose rest has not arrived
  unsigned count;           // messages of this round
  bool has_left_order;      // of the reference
  uint64_t sum;             // if so: of a value per message, the same for all orders
};

struct message {  // by its number
  uint64_t published, last_arrived;  // nanoseconds; the latter of those out of order
  bool is_in_reference;
  uint8_t head[TIME_DIGITS + NUMBER_DIGITS];
};

struct deliveries {
  unsigned subscriber_count, message_count;
  size_t payload_length, header_length, frame_length;
  uint8_t header[10];  // of every frame, without a mask
  struct received *received;
  uint8_t *partial;  // `frame_length` bytes for each subscriber
  struct message *messages;
  struct {
    unsigned count;
    uint8_t *frames;
    uint32_t *numbers;
    uint64_t *sums;  // of the messages before each place
    uint64_t *last_arrived;
  } reference;
  uint64_t count;  // of all deliveries of this round
  unsigned round_count;
};

struct round {
  uint64_t deliveries;
  uint64_t first_published, last_published, last_arrived;  // nanoseconds
  uint64_t *published, *arrived;  // of each message, the latter at its last subscriber
  const uint32_t *order;          // of the numbers, until the next round begins
  bool has_same_order;            // all subscribers saw the same sequence
};

struct deliveries make_deliveries(unsigned subscriber_count, unsigned message_count,
                                  size_t payload_length);

/// Forgets the last round.
void begin_round(struct deliveries *deliveries);

/// Returns how many bytes were taken: all, or those in front of a control frame. Ends the program
/// if they are no frames of this round, or come twice.
size_t take_bytes(struct deliveries *deliveries, unsigned subscriber, const uint8_t *bytes,
                  size_t length, uint64_t now);

/// Ends the program if any subscriber lacks a message.
struct round end_round(const struct deliveries *deliveries);

void forget_round(struct round *round);

/// Of the same messages, by other subscribers.
void add_round(struct round *to, const struct round *from, unsigned message_count);
