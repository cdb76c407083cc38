// One blocking connect and opening handshake.
#pragma once

#include <stdint.h>

/// `index` chooses the key and, towards 127.0.0.0/8, the source address: one address has about
/// 28,000 ports. Ends the program on any failure, a wrong Sec-WebSocket-Accept included.
int connect_upgraded(const char *host, uint16_t port, unsigned index);
