#define _GNU_SOURCE
#include "client/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/process.h"

/// False: the connection is broken. `*sent` is what the socket took.
static bool offer(struct connection *c, const uint8_t *bytes, size_t length, size_t *sent) {
  // Not send(3): in a program with threads it makes itself a point of cancellation each time.
  long count = syscall(SYS_sendto, c->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
  if (count < 0 && errno != EAGAIN) return false;
  *sent = count < 0 ? 0 : (size_t)count;
  c->is_full = *sent < length;
  return true;
}

static bool offer_issued(struct connection *c, const struct stream *stream, size_t length) {
  size_t sent, contiguous = stream->contiguous_length - c->sent_offset;
  if (length > contiguous) length = contiguous;
  if (!offer(c, stream->sent + c->sent_offset, length, &sent)) return false;
  c->sent_offset += sent;
  while (c->sent_offset >= stream->sent_length) c->sent_offset -= stream->sent_length;
  c->to_send -= sent;
  return true;
}

/// Control frames stand between frames, so one that is half sent goes first.
static bool flush_control(struct connection *c, const struct stream *stream) {
  struct control *control = c->control;
  size_t sent;
  if (c->to_send > 0) {
    size_t rest = c->to_send % stream->sent_frame_length;
    if (rest > 0 && !offer_issued(c, stream, rest)) return false;
    if (c->is_full) return true;
    if (c->to_send % stream->sent_frame_length > 0) return flush_control(c, stream);
  }
  const uint8_t *bytes = control->out + control->out_sent;
  if (!offer(c, bytes, control->out_length - control->out_sent, &sent)) return false;
  control->out_sent += (unsigned)sent;
  if (!c->is_full) control->out_sent = control->out_length = 0;
  return true;
}

bool flush(struct connection *c, const struct stream *stream) {
  if (c->control && c->control->out_length > 0 && !c->is_full && !flush_control(c, stream))
    return false;
  while (c->to_send > 0 && !c->is_full)
    if (!offer_issued(c, stream, c->to_send)) return false;
  return true;
}

void queue_control(struct connection *c, uint8_t opcode, const uint8_t *payload, size_t length) {
  if (!c->control) c->control = zeroed(1, sizeof *c->control);
  struct control *control = c->control;
  if (control->out_length + 6 + length > CONTROL_OUT_CAPACITY) return;
  uint32_t mask = 0x5bd1e995 * (c->index + 1);
  uint8_t *to = control->out + control->out_length;
  to[0] = 0x80 | opcode;
  to[1] = 0x80 | (uint8_t)length;
  memcpy(to + 2, &mask, 4);
  for (size_t i = 0; i < length; i++) to[6 + i] = payload[i] ^ to[2 + (i & 3)];
  control->out_length += 6 + (unsigned)length;
}
