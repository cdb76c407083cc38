#include "echo.h"

#include <string.h>

typedef uint8_t block __attribute__((vector_size(16), aligned(1), may_alias));

/// `to` may lie before `from` in the same buffer: every byte is read before it is overwritten.
static inline void unmask(uint8_t *to, const uint8_t *from, size_t length, uint32_t mask) {
  uint64_t wide = (uint64_t)mask << 32 | mask;
  if (length >= 64) {
    block key;
    memcpy(&key, (uint64_t[2]){wide, wide}, sizeof key);
    for (; length >= 64; length -= 64, to += 64, from += 64) {
      block a = *(const block *)from, b = *(const block *)(from + 16);
      block c = *(const block *)(from + 32), d = *(const block *)(from + 48);
      *(block *)to = a ^ key, *(block *)(to + 16) = b ^ key;
      *(block *)(to + 32) = c ^ key, *(block *)(to + 48) = d ^ key;
    }
  }
  for (; length >= 8; length -= 8, to += 8, from += 8) {
    uint64_t word;
    memcpy(&word, from, 8);
    word ^= wide;
    memcpy(to, &word, 8);
  }
  for (size_t i = 0; i < length; i++) to[i] = from[i] ^ (uint8_t)(wide >> 8 * i);
}

static inline uint32_t rotated(uint32_t mask, size_t bytes) {
  unsigned bits = (bytes & 3) * 8;
  return bits ? mask >> bits | mask << (32 - bits) : mask;
}

/// Writes the server's header at `to` and learns the payload from the client's header at `from`.
/// Returns the length of the server's header (the client's is 4 longer), or 0 if it is incomplete.
static inline size_t echo_header(struct echo *echo, uint8_t *to, const uint8_t *from,
                                 size_t available) {
  if (available < 2) return 0;
  uint8_t first = from[0], short_length = from[1] & 0x7f;
  size_t length = short_length < 126 ? 2 : short_length == 126 ? 4 : 10;
  if (available < length + 4) return 0;
  memcpy(&echo->mask, from + length, 4);
  echo->payload_left = short_length;
  if (length == 4) {
    uint16_t wire;
    memcpy(&wire, from + 2, 2);
    memcpy(to + 2, &wire, 2);
    echo->payload_left = __builtin_bswap16(wire);
  } else if (length == 10) {
    uint64_t wire;
    memcpy(&wire, from + 2, 8);
    memcpy(to + 2, &wire, 8);
    echo->payload_left = __builtin_bswap64(wire);
  }
  to[0] = first;
  to[1] = short_length;
  return length;
}

struct span echo_in_place(struct echo *echo, uint8_t *bytes, size_t length, uint64_t *frames) {
  uint8_t *in = bytes, *end = bytes + length;
  if (echo->header_length) {
    in -= echo->header_length;
    memcpy(in, echo->header, echo->header_length);
    echo->header_length = 0;
  }
  // A server's header is 4 bytes shorter, so the first payload stays where it is and each later
  // frame moves 4 bytes further down while it is unmasked: one contiguous answer to one read.
  uint8_t *start = echo->payload_left ? in : in + 4;
  uint8_t *out = start;
  while (in < end) {
    if (echo->payload_left == 0) {
      size_t header = echo_header(echo, out, in, end - in);
      if (header == 0) {
        echo->header_length = (uint8_t)(end - in);
        memcpy(echo->header, in, end - in);
        break;
      }
      in += header + 4;
      out += header;
    }
    size_t count = (size_t)(end - in);
    if (count > echo->payload_left) count = echo->payload_left;
    unmask(out, in, count, echo->mask);
    echo->mask = rotated(echo->mask, count);
    echo->payload_left -= count;
    in += count;
    out += count;
    *frames += echo->payload_left == 0;
  }
  return (struct span){start, (size_t)(out - start)};
}
