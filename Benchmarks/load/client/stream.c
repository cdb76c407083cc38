#include "client/stream.h"

#include <string.h>

#include "client/process.h"

static size_t put_header(uint8_t *to, int is_binary, size_t payload_length, uint8_t mask_bit) {
  to[0] = is_binary ? 0x82 : 0x81;
  if (payload_length < 126) {
    to[1] = mask_bit | (uint8_t)payload_length;
    return 2;
  }
  int count = payload_length < 65536 ? 2 : 8;
  to[1] = mask_bit | (count == 2 ? 126 : 127);
  for (int i = 0; i < count; i++) to[2 + i] = (uint8_t)(payload_length >> 8 * (count - 1 - i));
  return 2 + count;
}

/// Printable ASCII that differs between any two messages of a period and between neighbours.
static void fill_payload(uint8_t *payload, size_t length, uint64_t message) {
  for (size_t i = 0; i < length; i++)
    payload[i] = (uint8_t)(' ' + (message * 5 + i + i / 95 * 3) % 95);
}

struct stream make_stream(const char *text, size_t payload_length, int is_binary,
                          unsigned in_flight, uint64_t seed) {
  uint8_t header[10];
  if (text) payload_length = strlen(text);
  size_t header_length = put_header(header, is_binary, payload_length, 0);
  struct stream stream = {.sent_frame_length = header_length + 4 + payload_length,
                          .expected_frame_length = header_length + payload_length,
                          .header_length = header_length,
                          .payload_length = payload_length};
  stream.sent_length = PERIOD * stream.sent_frame_length;
  stream.expected_length = PERIOD * stream.expected_frame_length;
  stream.contiguous_length = (PERIOD + in_flight) * stream.sent_frame_length;
  stream.sent = zeroed(PERIOD + in_flight, stream.sent_frame_length);
  stream.expected = zeroed(PERIOD, stream.expected_frame_length);

  uint32_t random = 0x9E3779B9 + (uint32_t)seed;
  for (unsigned message = 0; message < PERIOD; message++) {
    uint8_t *expected = stream.expected + message * stream.expected_frame_length;
    uint8_t *sent = stream.sent + message * stream.sent_frame_length;
    uint8_t *payload = expected + put_header(expected, is_binary, payload_length, 0);
    if (text) {
      memcpy(payload, text, payload_length);
    } else {
      fill_payload(payload, payload_length, message + seed % 95);
    }
    sent += put_header(sent, is_binary, payload_length, 0x80);
    random = random * 1664525 + 1013904223;
    memcpy(sent, &random, 4);
    for (size_t i = 0; i < payload_length; i++)
      sent[4 + i] = payload[i] ^ (uint8_t)(random >> 8 * (i & 3));
  }
  for (unsigned i = 0; i < in_flight; i++)
    memcpy(stream.sent + stream.sent_length + i * stream.sent_frame_length,
           stream.sent + i % PERIOD * stream.sent_frame_length, stream.sent_frame_length);
  return stream;
}
