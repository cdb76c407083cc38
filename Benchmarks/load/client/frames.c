#define _GNU_SOURCE
#include "client/frames.h"

#include <string.h>

#include "client/process.h"

enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static bool is_control(uint8_t opcode) {
  return opcode & 8;
}

static _Noreturn void refuse(const struct connection *c, const char *what) {
  give_up(PROTOCOL_ERROR, "connection %u: the server sent %s (%02x %02x)", c->index, what,
          c->inbound.head[0], c->inbound.head[1]);
}

static void check_first_bytes(const struct connection *c) {
  const struct inbound *in = &c->inbound;
  uint8_t opcode = in->head[0] & 15, length = in->head[1] & 127;
  if (in->head[0] & 0x70) refuse(c, "a frame with a reserved bit");
  if (in->head[1] & 0x80) refuse(c, "a masked frame");
  if (is_control(opcode)) {
    if (opcode > PONG) refuse(c, "an unknown control frame");
    if (!(in->head[0] & 0x80)) refuse(c, "a fragmented control frame");
    if (length > CONTROL_PAYLOAD_MAX) refuse(c, "a control frame of more than 125 bytes");
    return;
  }
  if (opcode > BINARY) refuse(c, "an unknown data frame");
  if (opcode == CONTINUATION && !in->message_opcode) refuse(c, "a continuation of nothing");
  if (opcode != CONTINUATION && in->message_opcode) refuse(c, "a message within a message");
}

static void begin_frame(struct connection *c, size_t head_length) {
  struct inbound *in = &c->inbound;
  uint8_t length = in->head[1] & 127;
  in->opcode = in->head[0] & 15;
  in->is_final = in->head[0] & 0x80;
  in->remaining = length;
  if (length > 125) {
    in->remaining = 0;
    for (size_t i = 2; i < head_length; i++) in->remaining = in->remaining << 8 | in->head[i];
    uint64_t least = length == 126 ? 126 : 65536;
    if (in->remaining < least) refuse(c, "a length in more bytes than it needs");
    if (in->remaining >> 63) refuse(c, "a length beyond 63 bits");
  }
  in->head_length = 0;
  in->is_within_frame = true;
  if (is_control(in->opcode)) {
    if (!c->control) c->control = zeroed(1, sizeof *c->control);
    c->control->in_length = 0;
  } else if (in->opcode != CONTINUATION) {
    in->message_opcode = in->opcode;
    in->message_length = 0;
  }
}

/// Returns how many bytes were of the header.
static size_t take_head(struct connection *c, const uint8_t *bytes, size_t length) {
  struct inbound *in = &c->inbound;
  size_t used = 0;
  while (used < length) {
    in->head[in->head_length++] = bytes[used++];
    if (in->head_length < 2) continue;
    if (in->head_length == 2) check_first_bytes(c);
    uint8_t short_length = in->head[1] & 127;
    size_t whole = short_length < 126 ? 2 : short_length == 126 ? 4 : 10;
    if (in->head_length == whole) {
      begin_frame(c, whole);
      break;
    }
  }
  return used;
}

static bool is_close_code(unsigned code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

static void take_close(struct connection *c) {
  struct control *control = c->control;
  unsigned code = control->in_length < 2 ? 0 : (unsigned)control->in[0] << 8 | control->in[1];
  if (control->in_length == 1 || (control->in_length >= 2 && !is_close_code(code)))
    refuse(c, "a close frame with a wrong code");
  if (c->state == OPEN) {
    char *reason = (char *)control->in + 2;
    int length = control->in_length > 2 ? control->in_length - 2 : 0;
    make_harmless(reason, (size_t)length);
    give_up(CONNECTION_LOST, "connection %u: the server closes it: %u %.*s", c->index, code, length,
            reason);
  }
  if (c->state == CLOSING) c->state = FINISHED;
}

static void end_frame(struct loop *loop, struct connection *c) {
  struct inbound *in = &c->inbound;
  in->is_within_frame = false;
  if (!is_control(in->opcode)) {
    if (!in->is_final) return;
    if (loop->plan->mode->message && c->state == OPEN) loop->plan->mode->message(loop, c);
    in->message_opcode = 0;
  } else if (in->opcode == CLOSE) {
    take_close(c);
  } else if (in->opcode == PING && c->state == OPEN) {
    loop->pings++;
    queue_control(c, PONG, c->control->in, c->control->in_length);
    send_queued(loop, c);
  }
}

size_t take_frame(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length) {
  struct inbound *in = &c->inbound;
  size_t used = 0;
  if (c->state == FINISHED) refuse(c, "bytes behind its close frame");
  if (!in->is_within_frame) used = take_head(c, bytes, length);
  if (!in->is_within_frame) return used;
  size_t count = length - used < in->remaining ? length - used : in->remaining;
  if (is_control(in->opcode)) {
    memcpy(c->control->in + c->control->in_length, bytes + used, count);
    c->control->in_length += (uint8_t)count;
  } else {
    if (count > 0 && c->state == OPEN && loop->plan->mode->payload)
      loop->plan->mode->payload(loop, c, bytes + used, count);
    in->message_length += count;
  }
  in->remaining -= count;
  if (in->remaining == 0) end_frame(loop, c);
  return used + count;
}

void take_frames(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    size_t used = take_frame(loop, c, bytes, length);
    bytes += used;
    length -= used;
  }
}
