// Echoes, compared byte by byte with what was sent: opcode, length, payload and order, of each.
#pragma once

#include "client/loop.h"

/// Returns how many echoes these bytes complete. Ends the program if one differs, or answers
/// nothing.
uint64_t take_echoes(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length);

/// What `take_echoes` has `take_frames` call where bytes do not come as whole frames.
void compare_payload(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length);
void complete_echo(struct loop *loop, struct connection *c);
