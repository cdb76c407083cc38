// One blocking connect and opening handshake.
#pragma once

#include <stdint.h>

/// `index` chooses the key and, towards 127.0.0.0/8, the source address: one address has about
/// 28,000 ports. `receive_buffer` is in bytes; 0: the kernel tunes it. Ends the program on any
/// failure, a wrong Sec-WebSocket-Accept included.
int connect_upgraded(const char *host, uint16_t port, unsigned index, int receive_buffer);
