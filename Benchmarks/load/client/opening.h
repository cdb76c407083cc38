// Opening connections, many at once: TCP, then the opening handshake, whose answer is checked.
#pragma once

#include "client/loop.h"

/// Starts to connect. The mode's `opened` follows; the program ends if that takes too long.
void begin_opening(struct loop *loop, struct connection *c, uint64_t index);

/// An event of a connection that is not open yet.
void advance_opening(struct loop *loop, struct connection *c);

/// Opens all connections of the loop, and returns when they are.
void open_all(struct loop *loop);

/// Ends the program if one waits for longer than it may.
void check_openings(struct loop *loop);
