// What each mode does with its connections.
#pragma once

#include "client/loop.h"

extern const struct mode_functions echo_mode;     // closed loop; the touches of idle connections
extern const struct mode_functions rate_mode;     // open loop
extern const struct mode_functions fanout_mode;   // broadcasts by the contract of README.md
extern const struct mode_functions passive_mode;  // whatever a server sends
extern const struct mode_functions connect_mode;  // opening handshakes
extern const struct mode_functions idle_mode;
