#define _GNU_SOURCE
#include "client/opening.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "../wire/handshake.h"
#include "client/process.h"

enum {
  LONGEST_ANSWER = 16384,
  LONGEST_REQUEST = 16384,
  STALLED_RECEIVE_BUFFER = 2048,  // of who never reads: the kernel should not read for it
  CHECK_NANOSECONDS = 100000000,
};

struct opening {
  unsigned address;  // which of the target's
  uint64_t number;   // of all that the program opens
  char key[25];
  size_t length;
  char answer[LONGEST_ANSWER + 1];
};

/// 22 base64 digits and two `=` are 16 bytes; the 22nd may carry only four bits, all zero in `A`.
static void make_key(char key[25], uint64_t seed, uint64_t number) {
  uint64_t random = (seed + 1) * 0x9E3779B97F4A7C15 + number * 0xD6E8FEB86659FD93;
  random = (random ^ random >> 32) * 0xD6E8FEB86659FD93;
  snprintf(key, 25, "%016llxLOAD+A==", (unsigned long long)(random ^ random >> 32));
}

static int open_socket(struct loop *loop, struct connection *c, const struct address *to) {
  const struct target *target = &loop->plan->target;
  int family = to->bytes.ss_family;
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) give_up(FAILED, "socket: %s", strerror(errno));
  int receive_buffer = STALLED_RECEIVE_BUFFER;
  if (c->is_stalled)  // before the connection offers a window
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (family == AF_UNIX) return fd;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  struct address source;
  if (source_address(target, to, c->opening->number, &source)) {
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&source.bytes, source.length) < 0)
      give_up(FAILED, "bind: %s", strerror(errno));
  }
  return fd;
}

/// Goes on to the next address if none has answered so far, or ends the program.
static void fail_to_connect(struct loop *loop, struct connection *c, int error) {
  struct target *target = (struct target *)&loop->plan->target;  // its atomics change
  unsigned address = c->opening->address;
  if (atomic_load(&target->has_answered) || address + 1 >= target->address_count)
    give_up(NOT_CONNECTED, "connection %u to %s: %s", c->index, target->authority,
            strerror(error));
  atomic_compare_exchange_strong(&target->current, &address, address + 1);
  uint64_t number = c->opening->number;
  free(c->opening);
  close(c->fd);
  loop->opening_count--;
  begin_opening(loop, c, number);
}

static void send_request(struct loop *loop, struct connection *c) {
  const struct options *o = &loop->plan->options;
  const struct target *target = &loop->plan->target;
  char request[LONGEST_REQUEST];
  size_t length = (size_t)snprintf(
      request, sizeof request,
      "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s%s",
      target->path, target->authority, c->opening->key,
      o->subprotocol ? "Sec-WebSocket-Protocol: " : "", o->subprotocol ? o->subprotocol : "",
      o->subprotocol ? "\r\n" : "");
  for (unsigned i = 0; i < o->header_count && length < sizeof request; i++)
    length += (size_t)snprintf(request + length, sizeof request - length, "%s\r\n", o->headers[i]);
  if (length + 2 >= sizeof request) give_up(MISUSED, "the request is too long");
  memcpy(request + length, "\r\n", 2);
  length += 2;
  ssize_t sent = send(c->fd, request, length, MSG_NOSIGNAL);
  if (sent != (ssize_t)length)
    give_up(NOT_UPGRADED, "connection %u: the request could not be sent: %s", c->index,
            sent < 0 ? strerror(errno) : "no room");
  c->state = UPGRADING;
}

void begin_opening(struct loop *loop, struct connection *c, uint64_t number) {
  const struct target *target = &loop->plan->target;
  struct control *control = c->control;
  *c = (struct connection){.index = c->index, .is_stalled = c->is_stalled, .state = CONNECTING,
                           .control = control, .began = monotonic_nanoseconds()};
  if (control) memset(control, 0, sizeof *control);
  c->opening = malloc(sizeof *c->opening);  // not zeroed: its pages cost more than the handshake
  if (!c->opening) give_up(FAILED, "no memory");
  c->opening->length = 0;
  c->opening->number = number;
  c->opening->address = atomic_load(&target->current);
  make_key(c->opening->key, loop->plan->options.seed, number);
  const struct address *to = &target->addresses[c->opening->address];
  c->fd = open_socket(loop, c, to);
  loop->opening_count++;
  int error = connect(c->fd, (const struct sockaddr *)&to->bytes, to->length) < 0 ? errno : 0;
  if (error && error != EINPROGRESS) return fail_to_connect(loop, c, error);
  watch(loop, c, true);  // not before: a socket that does not connect yet has events of its own
}

static bool has_token(const char *head, size_t length, const char *field, const char *token) {
  size_t value_length = 0, token_length = strlen(token);
  const char *value = field_value(head, length, field, &value_length);
  for (size_t i = 0; value && i + token_length <= value_length; i++) {
    bool ends = i + token_length == value_length || strchr(", \t", value[i + token_length]);
    bool begins = i == 0 || strchr(", \t", value[i - 1]);
    if (begins && ends && strncasecmp(value + i, token, token_length) == 0) return true;
  }
  return false;
}

static _Noreturn void refuse(const struct connection *c, const char *what, size_t head_length) {
  char *answer = c->opening->answer;
  size_t shown = strcspn(answer, "\r\n");
  if (head_length > 0 && strncmp(answer, "HTTP/1.1 101", 12) == 0) shown = head_length - 4;
  make_harmless(answer, shown);
  give_up(NOT_UPGRADED, "connection %u: %s: %.*s", c->index, what, (int)(shown < 400 ? shown : 400),
          answer);
}

static void check_answer(struct loop *loop, struct connection *c, size_t length) {
  const char *head = c->opening->answer, *subprotocol = loop->plan->options.subprotocol;
  char expected[ACCEPT_LENGTH];
  accept_value(c->opening->key, 24, expected);
  size_t accept_length = 0, other_length = 0;
  const char *accept = field_value(head, length, "Sec-WebSocket-Accept", &accept_length);
  if (strncmp(head, "HTTP/1.1 101", 12) != 0 || (head[12] != ' ' && head[12] != '\r'))
    refuse(c, "the server refused to upgrade", length);
  if (!has_token(head, length, "Upgrade", "websocket") ||
      !has_token(head, length, "Connection", "upgrade"))
    refuse(c, "no `Upgrade: websocket` or no `Connection: Upgrade` in the answer", length);
  if (!accept || accept_length != ACCEPT_LENGTH || memcmp(accept, expected, ACCEPT_LENGTH) != 0)
    refuse(c, "a wrong Sec-WebSocket-Accept", length);
  if (field_value(head, length, "Sec-WebSocket-Extensions", &other_length))
    refuse(c, "an extension that nobody asked for", length);
  const char *chosen = field_value(head, length, "Sec-WebSocket-Protocol", &other_length);
  if (chosen && !subprotocol) refuse(c, "a subprotocol that nobody asked for", length);
  if (subprotocol && (!chosen || strlen(subprotocol) != other_length ||
                      memcmp(chosen, subprotocol, other_length) != 0))
    refuse(c, "not the subprotocol that was asked for", length);
}

static void finish_opening(struct loop *loop, struct connection *c, size_t head_length) {
  struct opening *opening = c->opening;
  check_answer(loop, c, head_length);
  c->opening = NULL;
  c->state = OPEN;
  loop->opening_count--;
  loop->open_count++;
  loop->opened_ever++;
  loop->last_progress = monotonic_nanoseconds();
  if (c->is_stalled) watch(loop, c, false);
  if (loop->plan->mode->opened) loop->plan->mode->opened(loop, c);
  // A server may speak at once. The mode may have ended the connection, and begun the next one.
  if (opening->length > head_length && !c->is_stalled && c->state == OPEN)
    loop->plan->mode->received(loop, c, (const uint8_t *)opening->answer + head_length,
                               opening->length - head_length);
  free(opening);
}

void advance_opening(struct loop *loop, struct connection *c) {
  struct target *target = (struct target *)&loop->plan->target;
  if (c->state == CONNECTING) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error) return fail_to_connect(loop, c, error);
    atomic_store(&target->has_answered, true);
    send_request(loop, c);
  }
  while (c->opening) {
    struct opening *opening = c->opening;
    ssize_t count = recv(c->fd, opening->answer + opening->length,
                         LONGEST_ANSWER - opening->length, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    opening->length += count > 0 ? (size_t)count : 0;
    opening->answer[opening->length] = 0;
    if (count <= 0)
      refuse(c, count < 0 ? strerror(errno) : "closed before the answer to the upgrade", 0);
    size_t head = head_length(opening->answer, opening->length);
    if (head > 0) return finish_opening(loop, c, head);
    if (opening->length == LONGEST_ANSWER) refuse(c, "an endless answer to the upgrade", 0);
  }
}

void check_openings(struct loop *loop) {
  uint64_t patience = (uint64_t)(loop->plan->options.timeout * 1e9);
  uint64_t now = monotonic_nanoseconds();
  for (unsigned i = 0; i < loop->count; i++) {
    struct connection *c = &loop->all[i];
    if (!c->opening || now - c->began < patience) continue;
    if (c->state == CONNECTING)
      give_up(NOT_CONNECTED, "connection %u to %s: not within %g s", c->index,
              loop->plan->target.authority, loop->plan->options.timeout);
    give_up(NOT_UPGRADED, "connection %u: no answer to the upgrade within %g s, only %zu bytes",
            c->index, loop->plan->options.timeout, c->opening->length);
  }
}

void open_all(struct loop *loop) {
  const struct options *o = &loop->plan->options;
  unsigned parallel = (o->parallel + o->threads - 1) / o->threads;
  uint64_t checked = monotonic_nanoseconds();
  while (loop->opened_ever < loop->count) {
    while (loop->next_to_open < loop->count && loop->opening_count < parallel) {
      struct connection *c = &loop->all[loop->next_to_open++];
      begin_opening(loop, c, c->index);
    }
    serve(loop, CHECK_NANOSECONDS);
    if (loop->now - checked > CHECK_NANOSECONDS) {
      check_openings(loop);
      checked = loop->now;
    }
  }
}
