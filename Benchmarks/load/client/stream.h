// The traffic of one run as two periodic byte streams: what every client sends and what must come
// back. A connection is then no more than an offset into each, and comparing an echo with
// `expected` checks header, opcode, length, payload and order at once.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Messages in one period: each has its own payload and mask, so a lost, repeated or reordered
/// message shows.
enum { PERIOD = 16 };

struct stream {
  uint8_t *sent;      // one period and `in_flight` frames more: any burst is one contiguous range
  uint8_t *expected;  // one period
  size_t sent_frame_length, sent_length;  // lengths in bytes; `_length` alone is one period
  size_t expected_frame_length, expected_length;
  size_t contiguous_length;  // of all of `sent`
  size_t header_length, payload_length;  // of each expected frame
};

/// `text` is the payload of every message, or NULL for `payload_length` generated ASCII bytes. The
/// seed changes them and the masks.
struct stream make_stream(const char *text, size_t payload_length, int is_binary,
                          unsigned in_flight, uint64_t seed);
