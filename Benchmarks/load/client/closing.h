// Ending connections: by the closing handshake, by FIN or by RST.
#pragma once

#include "client/loop.h"

/// Ends one as the options say. With a closing handshake its end follows later.
void begin_closing(struct loop *loop, struct connection *c);

/// Ends all, and returns when they are ended or nothing may take longer.
void close_all(struct loop *loop);

/// Gives up waiting for the answer of those that have waited for as long as they may.
void check_closings(struct loop *loop);

/// The socket, at once: all that is known of the connection but its counters is forgotten.
void forget_connection(struct loop *loop, struct connection *c);
