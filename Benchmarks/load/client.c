#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "process.h"

enum {
  HOT_BYTE_COUNT = 512 * 1024,
  EVENTS_PER_WAIT = 1024,
  STALL_MILLISECONDS = 10000,
};

struct client {
  int fd;
  bool is_full;           // the socket took less than was offered: wait for its edge
  size_t sent_offset;     // into the period
  size_t to_send;         // bytes of frames issued and not yet taken by the socket
  size_t received_offset; // into the period
};

static uint8_t hot[HOT_BYTE_COUNT] __attribute__((aligned(4096)));

void open_clients(struct clients *clients, const char *host, uint16_t port) {
  clients->all = calloc(clients->count, sizeof *clients->all);
  clients->poller = epoll_create1(EPOLL_CLOEXEC);
  for (unsigned i = 0; i < clients->count; i++) {
    clients->all[i].fd = connect_upgraded(host, port, i, 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = i};
    if (epoll_ctl(clients->poller, EPOLL_CTL_ADD, clients->all[i].fd, &event) < 0)
      give_up("epoll_ctl: %s", strerror(errno));
  }
}

static void send_issued(struct clients *clients, struct client *client) {
  if (client->to_send == 0 || client->is_full) return;
  const uint8_t *bytes = clients->stream.sent + client->sent_offset;
  ssize_t sent = send(client->fd, bytes, client->to_send, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) give_up("send: %s", strerror(errno));
    sent = 0;
  }
  client->sent_offset = (client->sent_offset + sent) % clients->stream.sent_length;
  client->to_send -= sent;
  client->is_full = client->to_send > 0;
}

/// All of them go out in one write.
static void issue(struct clients *clients, struct client *client, uint64_t messages) {
  if (messages > clients->to_issue) messages = clients->to_issue;
  clients->to_issue -= messages;
  clients->issued += messages;
  client->to_send += messages * clients->stream.sent_frame_length;
  send_issued(clients, client);
}

/// Returns the number of messages that these bytes complete.
static uint64_t verify(struct clients *clients, struct client *client, size_t length) {
  const struct stream *stream = &clients->stream;
  size_t in_frame = client->received_offset % stream->expected_frame_length;
  uint64_t completed = (in_frame + length) / stream->expected_frame_length;
  for (const uint8_t *bytes = hot; length > 0;) {
    size_t count = stream->expected_length - client->received_offset;
    if (count > length) count = length;
    if (memcmp(bytes, stream->expected + client->received_offset, count) != 0)
      give_up("an echo differs from what was sent, in the %zu bytes at offset %zu", count,
              client->received_offset);
    client->received_offset = (client->received_offset + count) % stream->expected_length;
    bytes += count;
    length -= count;
  }
  clients->completed += completed;
  if (clients->completed > clients->issued) give_up("more echoes than messages");
  return completed;
}

static void receive(struct clients *clients, struct client *client) {
  for (;;) {
    ssize_t count = recv(client->fd, hot, HOT_BYTE_COUNT, MSG_DONTWAIT);
    if (count == 0) give_up("the server closed a connection");
    if (count < 0) {
      if (errno == EAGAIN) return;
      give_up("recv: %s", strerror(errno));
    }
    uint64_t completed = verify(clients, client, count);
    if (completed > 0) issue(clients, client, completed);
    if (count < HOT_BYTE_COUNT) return;
  }
}

void run_phase(struct clients *clients, uint64_t messages, double seconds) {
  static struct epoll_event events[EVENTS_PER_WAIT];
  clients->to_issue = seconds > 0 ? UINT64_MAX / 2 : messages;
  clients->issued = clients->completed = 0;
  clients->deadline = seconds > 0 ? monotonic_seconds() + seconds : 0;
  for (unsigned i = 0; i < clients->count; i++)
    issue(clients, &clients->all[i], clients->in_flight);
  while (clients->completed < clients->issued) {
    int count = epoll_wait(clients->poller, events, EVENTS_PER_WAIT, STALL_MILLISECONDS);
    if (count == 0)
      give_up("no echo for %d s, %llu outstanding", STALL_MILLISECONDS / 1000,
              (unsigned long long)(clients->issued - clients->completed));
    if (clients->deadline > 0 && monotonic_seconds() >= clients->deadline) clients->to_issue = 0;
    for (int i = 0; i < count; i++) {
      struct client *client = &clients->all[events[i].data.u32];
      if (events[i].events & EPOLLOUT && client->is_full) {
        client->is_full = false;
        send_issued(clients, client);
      }
      if (events[i].events & ~EPOLLOUT) receive(clients, client);
    }
  }
}

void reset_clients(struct clients *clients) {
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  for (unsigned i = 0; i < clients->count; i++) {
    setsockopt(clients->all[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(clients->all[i].fd);
  }
}
