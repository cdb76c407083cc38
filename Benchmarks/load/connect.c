#define _GNU_SOURCE
#include "connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "../wire/handshake.h"
#include "process.h"

enum { CLIENTS_PER_ADDRESS = 8000, LONGEST_ANSWER = 2048 };

static void make_key(char key[25], unsigned index) {
  // 22 base64 digits and two `=` are 16 bytes; the 22nd may carry only four bits, all zero in `A`.
  snprintf(key, 25, "MartletLoad%010uA==", index);
}

static int connect_from(const char *host, uint16_t port, unsigned index, int receive_buffer) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, host, &server.sin_addr) != 1) give_up("not an IPv4 address: %s", host);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) give_up("socket: %s", strerror(errno));
  struct timeval patience = {.tv_sec = 10};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (receive_buffer > 0)  // before the connection offers a window
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if ((ntohl(server.sin_addr.s_addr) >> 24) == 127) {
    uint32_t source_address = 0x7f000001 + index / CLIENTS_PER_ADDRESS;
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source_address)};
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0)
      give_up("bind: %s", strerror(errno));
  }
  if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0)
    give_up("connect: %s", strerror(errno));
  return fd;
}

static void check_answer(const char *head, size_t length, const char *key) {
  char expected[ACCEPT_LENGTH];
  accept_value(key, strlen(key), expected);
  size_t accept_length = 0;
  const char *accept = field_value(head, length, "Sec-WebSocket-Accept", &accept_length);
  if (strncmp(head, "HTTP/1.1 101", 12) != 0) give_up("refused: %.*s", (int)length, head);
  if (!accept || accept_length != ACCEPT_LENGTH || memcmp(accept, expected, ACCEPT_LENGTH) != 0)
    give_up("wrong Sec-WebSocket-Accept: %.*s", (int)length, head);
}

int connect_upgraded(const char *host, uint16_t port, unsigned index, int receive_buffer) {
  int fd = connect_from(host, port, index, receive_buffer);
  char key[25], bytes[LONGEST_ANSWER];
  make_key(key, index);
  int request_length = snprintf(bytes, sizeof bytes,
                                "GET / HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                                "Sec-WebSocket-Version: 13\r\n\r\n",
                                host, port, key);
  if (send(fd, bytes, request_length, MSG_NOSIGNAL) != request_length)
    give_up("send: %s", strerror(errno));
  size_t length = 0, head = 0;
  while (head == 0) {
    ssize_t count = recv(fd, bytes + length, sizeof bytes - length, 0);
    if (count <= 0) give_up("no answer to the upgrade: %s", count ? strerror(errno) : "closed");
    length += count;
    head = head_length(bytes, length);
  }
  if (head != length) give_up("bytes behind the answer to the upgrade");
  check_answer(bytes, length, key);
  return fd;
}
