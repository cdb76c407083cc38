#define _GNU_SOURCE
#include "handshake.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { BLOCK = 64, DIGEST = 20 };

static uint32_t rotate_left(uint32_t value, int bits) {
  return value << bits | value >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t block[BLOCK]) {
  uint32_t w[80];
  for (int t = 0; t < 16; t++)
    w[t] = (uint32_t)block[4 * t] << 24 | block[4 * t + 1] << 16 | block[4 * t + 2] << 8 |
           block[4 * t + 3];
  for (int t = 16; t < 80; t++)
    w[t] = rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);

  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int t = 0; t < 80; t++) {
    uint32_t f, k;
    if (t < 20) {
      f = (b & c) | (~b & d), k = 0x5A827999;
    } else if (t < 40) {
      f = b ^ c ^ d, k = 0x6ED9EBA1;
    } else if (t < 60) {
      f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
    } else {
      f = b ^ c ^ d, k = 0xCA62C1D6;
    }
    uint32_t next = rotate_left(a, 5) + f + e + k + w[t];
    e = d, d = c, c = rotate_left(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/// SHA-1 of at most 119 bytes: a key and the GUID are 60, which is two blocks with the padding.
static void sha1_short(const uint8_t *bytes, size_t length, uint8_t digest[DIGEST]) {
  uint8_t padded[2 * BLOCK] = {0};
  size_t blocks = length < BLOCK - 8 ? 1 : 2;
  memcpy(padded, bytes, length);
  padded[length] = 0x80;
  uint64_t bits = (uint64_t)length * 8;
  for (int i = 0; i < 8; i++) padded[blocks * BLOCK - 1 - i] = (uint8_t)(bits >> 8 * i);

  uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  for (size_t i = 0; i < blocks; i++) sha1_block(state, padded + i * BLOCK);
  for (int i = 0; i < DIGEST; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void accept_value(const char *key, size_t key_length, char accept[ACCEPT_LENGTH]) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t text[24 + sizeof guid] = {0}, digest[DIGEST + 1] = {0};
  if (key_length > 24) key_length = 24;
  memcpy(text, key, key_length);
  memcpy(text + key_length, guid, sizeof guid - 1);
  sha1_short(text, key_length + sizeof guid - 1, digest);

  for (int i = 0; i < 7; i++) {
    uint32_t group = (uint32_t)digest[3 * i] << 16 | digest[3 * i + 1] << 8 | digest[3 * i + 2];
    for (int j = 0; j < 4; j++) accept[4 * i + j] = digits[group >> (18 - 6 * j) & 63];
  }
  accept[ACCEPT_LENGTH - 1] = '=';
}

const char *field_value(const char *head, size_t head_length, const char *name, size_t *length) {
  size_t name_length = strlen(name);
  const char *end = head + head_length;
  for (const char *line = head; line < end;) {
    const char *stop = memmem(line, end - line, "\r\n", 2);
    if (!stop) return NULL;
    if ((size_t)(stop - line) > name_length && line[name_length] == ':' &&
        strncasecmp(line, name, name_length) == 0) {
      const char *first = line + name_length + 1;
      while (first < stop && (*first == ' ' || *first == '\t')) first++;
      while (stop > first && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
      *length = stop - first;
      return first;
    }
    line = stop + 2;
  }
  return NULL;
}

size_t head_length(const char *bytes, size_t length) {
  const char *end = memmem(bytes, length, "\r\n\r\n", 4);
  return end ? (size_t)(end - bytes) + 4 : 0;
}
