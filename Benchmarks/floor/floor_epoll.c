// The floor on epoll: edge-triggered, registered once, one hot buffer, sends tried at once.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"
#include "server.h"

enum { HOT_BYTE_COUNT = 512 * 1024, EVENTS_PER_WAIT = 1024 };

struct connection {
  struct echo echo;
  struct held *held;  // an unfinished request, then what the socket did not take
  bool is_open;
};

static struct connection *connections;  // indexed by descriptor
static uint8_t hot[HEADROOM + HOT_BYTE_COUNT] __attribute__((aligned(4096)));
static int poller;

static void watch(int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  counters.system_calls++;
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl", errno);
}

static void accept_all(int listener) {
  for (;;) {
    counters.system_calls++;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN) return;
      if (errno == ECONNABORTED || errno == EINTR) continue;
      fail("accept4", errno);
    }
    connections[fd] = (struct connection){0};
    watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  }
}

static void end(int fd) {
  free(connections[fd].held);
  connections[fd] = (struct connection){0};
  counters.system_calls++;
  close(fd);
}

/// False when the connection is gone or its socket is full: either way, read no further.
static bool answer(int fd, struct connection *connection, struct span out) {
  if (out.length == 0) return true;
  counters.system_calls++;
  ssize_t sent = send(fd, out.bytes, out.length, MSG_NOSIGNAL);
  if (sent == (ssize_t)out.length) return true;
  if (sent < 0 && errno != EAGAIN) {
    end(fd);
    return false;
  }
  if (sent < 0) sent = 0;
  connection->held = hold(NULL, out.bytes + sent, out.length - sent);
  return false;
}

/// A read that did not fill the buffer emptied the socket, and whatever comes later is a new edge:
/// only when the peer has hung up (`until_end`) does a second read have anything to find.
static void receive(int fd, struct connection *connection, bool until_end) {
  for (;;) {
    counters.system_calls++;
    ssize_t count = recv(fd, hot + HEADROOM, HOT_BYTE_COUNT, 0);
    if (count <= 0) {
      if (count == 0 || errno != EAGAIN) end(fd);
      return;
    }
    if (connection->is_open) {
      struct span out = echo_in_place(&connection->echo, hot + HEADROOM, count, &counters.messages);
      if (!answer(fd, connection, out)) return;
    } else {
      switch (upgrade(fd, &connection->held, hot + HEADROOM, count)) {
        case UPGRADE_INCOMPLETE: break;
        case UPGRADE_DONE: connection->is_open = true; break;
        case UPGRADE_REFUSED: end(fd); return;
      }
    }
    if (count < HOT_BYTE_COUNT && !until_end) return;
  }
}

/// Nothing is read from a peer that does not take its answers, so one of them is all that is held.
static void send_held(int fd, struct connection *connection) {
  struct held *held = connection->held;
  counters.system_calls++;
  ssize_t sent = send(fd, held->bytes + held->sent, held->length - held->sent, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN) end(fd);
    return;
  }
  held->sent += sent;
  if (held->sent < held->length) return;
  free(held);
  connection->held = NULL;
  receive(fd, connection, true);  // edges that came while nothing was read are lost
}

static void handle(struct epoll_event *event) {
  int fd = event->data.fd;
  struct connection *connection = &connections[fd];
  bool has_ended = event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
  if (connection->is_open && connection->held) {
    send_held(fd, connection);
  } else if (event->events & EPOLLIN || has_ended) {
    receive(fd, connection, has_ended);
  }
}

int main(int argc, char **argv) {
  struct options options = parse_options(argc, argv);
  int signals = open_signals(options.prints_stats);
  connections = map_zeroed(descriptor_limit() * sizeof *connections);
  poller = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_on(&options);
  watch(listener, EPOLLIN | EPOLLET);
  watch(signals, EPOLLIN);

  static struct epoll_event events[EVENTS_PER_WAIT];
  for (;;) {
    counters.system_calls++;
    int count = epoll_wait(poller, events, EVENTS_PER_WAIT, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        accept_all(listener);
      } else if (fd == signals) {
        if (!answer_signal(signals)) return 0;
      } else {
        handle(&events[i]);
      }
    }
  }
}
