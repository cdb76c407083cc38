// What an echo cannot do without: turn masked client frames into unmasked server frames, in place.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
  /// Writable bytes that a receive buffer must have before its first byte: the start of a header
  /// that the previous read ended with is put back there.
  HEADROOM = 64,
  LONGEST_CLIENT_HEADER = 14,
};

/// How far into the byte stream of one client we are. Nothing but an unfinished header is ever
/// kept: payload is echoed as it comes, so a frame of any size costs no memory.
struct echo {
  uint64_t payload_left;
  uint32_t mask;
  uint8_t header_length;
  uint8_t header[LONGEST_CLIENT_HEADER - 1];
};

struct span {
  uint8_t *bytes;
  size_t length;
};

/// Rewrites `length` received bytes into the bytes to send, which lie in the same buffer, and adds
/// the frames that ended to `frames`.
struct span echo_in_place(struct echo *echo, uint8_t *bytes, size_t length, uint64_t *frames);
