// What a server sends, frame by frame, strictly to RFC 6455. It may be cut anywhere.
#pragma once

#include "client/loop.h"

/// Takes frames out of bytes: data goes to the mode's `payload` and `message`, pings are answered.
/// Ends the program when they are not what a server may send.
void take_frames(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length);

/// As much as belongs to one frame. Returns how many bytes that were.
size_t take_frame(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length);
