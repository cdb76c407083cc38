#define _GNU_SOURCE
#include "subscribers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "connect.h"
#include "process.h"
#include "stream.h"

enum {
  HOT_BYTE_COUNT = 256 * 1024,
  EVENTS_PER_WAIT = 1024,
  STALL_MILLISECONDS = 10000,
  QUIET_MILLISECONDS = 50,        // after the last message, to see that it is the last
  STALLED_RECEIVE_BUFFER = 2048,  // of who never reads: the kernel should not read for it
};

static uint8_t hot[HOT_BYTE_COUNT] __attribute__((aligned(4096)));

void open_subscribers(struct subscribers *s, const char *host, uint16_t port) {
  s->fds = calloc(s->count, sizeof *s->fds);
  s->poller = epoll_create1(EPOLL_CLOEXEC);
  for (unsigned i = 0; i < s->count; i++) {
    bool is_reading = i < s->reading;
    s->fds[i] = connect_upgraded(host, port, i, is_reading ? 0 : STALLED_RECEIVE_BUFFER);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.u32 = i};
    if (is_reading && epoll_ctl(s->poller, EPOLL_CTL_ADD, s->fds[i], &event) < 0)
      give_up("epoll_ctl: %s", strerror(errno));
  }
}

static void receive(struct subscribers *s, unsigned index) {
  for (;;) {
    ssize_t count = recv(s->fds[index], hot, HOT_BYTE_COUNT, MSG_DONTWAIT);
    if (count == 0) give_up("the server closed a connection");
    if (count < 0) {
      if (errno == EAGAIN) return;
      give_up("recv: %s", strerror(errno));
    }
    s->reads++;
    take_bytes(&s->deliveries, index, hot, count, monotonic_nanoseconds());
    if (count < HOT_BYTE_COUNT) return;
  }
}

static void send_go(struct subscribers *s) {
  struct stream go = make_stream("go", 0, 0, 1);
  ssize_t length = go.sent_frame_length;
  if (send(s->fds[0], go.sent, length, MSG_NOSIGNAL) != length)
    give_up("send: %s", strerror(errno));
  free(go.sent);
  free(go.expected);
}

struct round run_round(struct subscribers *s) {
  static struct epoll_event events[EVENTS_PER_WAIT];
  uint64_t expected = (uint64_t)s->reading * s->deliveries.message_count;
  s->reads = 0;
  begin_round(&s->deliveries);
  send_go(s);
  for (;;) {
    bool is_complete = s->deliveries.count >= expected;
    int patience = is_complete ? QUIET_MILLISECONDS : STALL_MILLISECONDS;
    int count = epoll_wait(s->poller, events, EVENTS_PER_WAIT, patience);
    if (count == 0 && is_complete) return end_round(&s->deliveries);
    if (count == 0)
      give_up("nothing for %d s, %" PRIu64 " of %" PRIu64 " deliveries made",
              STALL_MILLISECONDS / 1000, s->deliveries.count, expected);
    for (int i = 0; i < count; i++) receive(s, events[i].data.u32);
  }
}
