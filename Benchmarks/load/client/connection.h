// One connection: its place in the two streams of bytes, and what it has to send.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/stream.h"

enum connection_state {
  UNUSED,
  CONNECTING,  // waits for TCP
  UPGRADING,   // waits for the answer to the opening handshake
  OPEN,
  CLOSING,   // has sent a close frame
  FINISHED,  // has got one, too: waits for the end of TCP
  ENDED,
};

enum { CONTROL_PAYLOAD_MAX = 125, CONTROL_OUT_CAPACITY = 512 };

/// For control frames, which most connections never see.
struct control {
  uint8_t in[CONTROL_PAYLOAD_MAX], in_length;
  uint8_t out[CONTROL_OUT_CAPACITY];
  unsigned out_length, out_sent;
};

/// How much of a frame has been received.
struct inbound {
  uint8_t head[10], head_length;  // of the header, while it is not complete
  bool is_within_frame;           // the header is complete, the payload is not
  bool is_final;
  uint8_t opcode, message_opcode;  // the latter 0 between two messages
  uint64_t remaining;              // bytes of the payload
  uint64_t message_length;         // bytes of the message so far
};

struct connection {
  int fd;
  uint8_t state;
  bool is_full;     // the socket took less than was offered: wait for its edge
  bool is_stalled;  // never reads
  uint8_t message;  // of the period: the next that is to be echoed
  uint32_t index;   // among all connections of the program
  uint32_t first_batch, batch_count;
  size_t sent_offset;  // into the period
  size_t to_send;      // bytes of frames issued and not yet taken by the socket
  uint64_t outstanding, received;  // messages
  uint64_t began;  // opening, and later closing it, in nanoseconds
  struct inbound inbound;
  struct control *control;  // NULL until there is a control frame
  struct opening *opening;  // NULL once open
};

/// No frame and no message has begun and not ended.
static inline bool is_between_messages(const struct connection *c) {
  return c->inbound.head_length == 0 && !c->inbound.is_within_frame &&
         c->inbound.message_opcode == 0;
}

/// Sends what is issued and what is queued, as much as the socket takes. False if the connection is
/// broken.
bool flush(struct connection *connection, const struct stream *stream);

/// Queues a masked control frame behind what is being sent. One that finds no room is dropped: a
/// peer that sends pings and does not read the pongs is owed no more.
void queue_control(struct connection *connection, uint8_t opcode, const uint8_t *payload,
                   size_t length);
