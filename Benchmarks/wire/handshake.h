// The opening handshake of RFC 6455 section 4, as far as a benchmark needs it. It is checked for
// real: a client that skips the check would let a broken server look fast.
#pragma once

#include <stddef.h>

enum { ACCEPT_LENGTH = 28 };

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key: base64(SHA-1(key + GUID)), no terminator.
void accept_value(const char *key, size_t key_length, char accept[ACCEPT_LENGTH]);

/// The value of a header field, blanks around it removed, or NULL. `head` ends with an empty line.
const char *field_value(const char *head, size_t head_length, const char *name, size_t *length);

/// The length of an HTTP head with its empty line, or 0 while it is incomplete.
size_t head_length(const char *bytes, size_t length);
