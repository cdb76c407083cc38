#include "modes/echoes.h"

#include <string.h>

#include "client/frames.h"
#include "client/process.h"

static const uint8_t *expected_payload(const struct loop *loop, const struct connection *c) {
  const struct stream *stream = &loop->plan->stream;
  return stream->expected + c->message * stream->expected_frame_length + stream->header_length;
}

void compare_payload(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length) {
  const struct stream *stream = &loop->plan->stream;
  uint64_t at = c->inbound.message_length;
  if (c->outstanding == loop->fresh)
    give_up(WRONG_MESSAGE, "connection %u: a message that is no echo of anything", c->index);
  if (at + length > stream->payload_length)
    give_up(WRONG_MESSAGE, "connection %u: an echo of more than %zu bytes", c->index,
            stream->payload_length);
  const uint8_t *expected = expected_payload(loop, c) + at;
  if (memcmp(bytes, expected, length) == 0) return;
  size_t i = 0;
  while (bytes[i] == expected[i]) i++;
  give_up(WRONG_MESSAGE,
          "connection %u: an echo differs from what was sent: byte %llu is %02x, not %02x",
          c->index, (unsigned long long)(at + i), bytes[i], expected[i]);
}

void complete_echo(struct loop *loop, struct connection *c) {
  const struct stream *stream = &loop->plan->stream;
  if (c->outstanding == loop->fresh)
    give_up(WRONG_MESSAGE, "connection %u: a message that is no echo of anything", c->index);
  if (c->inbound.message_length != stream->payload_length)
    give_up(WRONG_MESSAGE, "connection %u: an echo of %llu bytes, not %zu", c->index,
            (unsigned long long)c->inbound.message_length, stream->payload_length);
  if (c->inbound.message_opcode != (stream->expected[0] & 15))
    give_up(WRONG_MESSAGE, "connection %u: an echo of another kind, text for binary or binary for "
            "text", c->index);
  c->message = (c->message + 1) % PERIOD;
  loop->fresh++;
}

/// As many echoes at once as are whole and lie together in the period.
static size_t take_whole(struct loop *loop, struct connection *c, const uint8_t *bytes,
                         size_t length) {
  const struct stream *stream = &loop->plan->stream;
  size_t frame = stream->expected_frame_length, taken = 0;
  while (length - taken >= frame) {
    size_t count = length - taken < 2 * frame ? 1 : (length - taken) / frame;
    if (count > (size_t)(PERIOD - c->message)) count = PERIOD - c->message;
    if (memcmp(bytes + taken, stream->expected + c->message * frame, count * frame) != 0) break;
    c->message = (c->message + count) % PERIOD;
    loop->fresh += count;
    taken += count * frame;
  }
  if (loop->fresh > c->outstanding)
    give_up(WRONG_MESSAGE, "connection %u: more echoes than messages", c->index);
  return taken;
}

uint64_t take_echoes(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length) {
  loop->fresh = 0;
  size_t taken = is_between_messages(c) ? take_whole(loop, c, bytes, length) : 0;
  // What is left is part of a frame, a control frame, an echo in fragments, or wrong.
  if (taken < length) take_frames(loop, c, bytes + taken, length - taken);
  uint64_t completed = loop->fresh;
  loop->fresh = 0;
  c->outstanding -= completed;
  loop->findings.completed += completed;
  return completed;
}
