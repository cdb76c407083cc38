#define _GNU_SOURCE
#include "subscribers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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
  QUIET_MILLISECONDS = 50,       // after the last message, to see that it is the last
  STALLED_RECEIVE_BUFFER = 2048,  // of who never reads: the kernel should not read for it
};

struct subscriber {
  int fd;
  unsigned partial_length;  // bytes of a frame whose rest has not arrived
  unsigned received;        // messages of this round
  uint64_t sum;             // of a value per message: the same for all orders
  uint64_t sequence;        // of the messages in their order
};

struct message {
  uint64_t published, last_arrived;
  unsigned deliveries;
  uint8_t head[TIME_DIGITS + NUMBER_DIGITS];
};

static uint8_t hot[HOT_BYTE_COUNT] __attribute__((aligned(4096)));

void open_subscribers(struct subscribers *s, const char *host, uint16_t port) {
  struct stream frames = make_stream(NULL, s->payload_length, 0, 1);
  s->frame_length = frames.expected_frame_length;
  s->header_length = s->frame_length - s->payload_length;
  memcpy(s->header, frames.expected, s->header_length);
  s->all = calloc(s->count, sizeof *s->all);
  s->messages = calloc(s->message_count, sizeof *s->messages);
  s->partial = malloc(s->count * s->frame_length);
  s->poller = epoll_create1(EPOLL_CLOEXEC);
  for (unsigned i = 0; i < s->count; i++) {
    bool is_reading = i < s->reading;
    s->all[i].fd = connect_upgraded(host, port, i, is_reading ? 0 : STALLED_RECEIVE_BUFFER);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.u32 = i};
    if (is_reading && epoll_ctl(s->poller, EPOLL_CTL_ADD, s->all[i].fd, &event) < 0)
      give_up("epoll_ctl: %s", strerror(errno));
  }
}

static uint64_t hexadecimal(const uint8_t *digits, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; i++) {
    uint8_t digit = digits[i];
    unsigned nibble = digit >= '0' && digit <= '9'   ? digit - '0'
                      : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                                     : 16;
    if (nibble > 15) give_up("a payload does not begin with 24 hexadecimal digits");
    value = value << 4 | nibble;
  }
  return value;
}

/// Spread over 64 bits, so that no two sets of messages have the same sum by chance.
static uint64_t spread(uint64_t number) {
  number = (number + 1) * 0x9E3779B97F4A7C15;
  number = (number ^ number >> 32) * 0xD6E8FEB86659FD93;
  return number ^ number >> 32;
}

static void check_filler(const struct subscribers *s, const uint8_t *payload) {
  const uint8_t *filler = payload + TIME_DIGITS + NUMBER_DIGITS;
  size_t length = s->payload_length - TIME_DIGITS - NUMBER_DIGITS;
  // All are the same if each is its neighbour.
  if (filler[0] != 'x' || memcmp(filler, filler + 1, length - 1) != 0)
    give_up("a payload is not filled with x");
}

static void take_message(struct subscribers *s, struct subscriber *subscriber,
                         const uint8_t *frame, uint64_t now) {
  if (memcmp(frame, s->header, s->header_length) != 0)
    give_up("a frame begins with %02x %02x instead of %02x %02x%s", frame[0], frame[1],
            s->header[0], s->header[1], frame[0] == 0x88 ? ": the server closes" : "");
  const uint8_t *payload = frame + s->header_length;
  uint64_t number = hexadecimal(payload + TIME_DIGITS, NUMBER_DIGITS);
  if (number >= s->message_count) give_up("message %" PRIu64 " of %u", number, s->message_count);
  struct message *message = &s->messages[number];
  if (message->deliveries == 0) {
    message->published = hexadecimal(payload, TIME_DIGITS);
    memcpy(message->head, payload, sizeof message->head);
  } else if (memcmp(message->head, payload, sizeof message->head) != 0) {
    give_up("two subscribers got different messages %" PRIu64, number);
  }
  check_filler(s, payload);
  message->deliveries++;
  message->last_arrived = now;
  subscriber->received++;
  subscriber->sum += spread(number);
  subscriber->sequence = (subscriber->sequence + number + 1) * 0x9E3779B97F4A7C15;
  s->deliveries++;
}

static void take_bytes(struct subscribers *s, unsigned index, size_t length) {
  struct subscriber *subscriber = &s->all[index];
  uint8_t *partial = s->partial + index * s->frame_length;
  const uint8_t *bytes = hot;
  uint64_t now = monotonic_nanoseconds();
  if (subscriber->partial_length > 0) {
    size_t missing = s->frame_length - subscriber->partial_length;
    size_t count = missing < length ? missing : length;
    memcpy(partial + subscriber->partial_length, bytes, count);
    subscriber->partial_length += count;
    bytes += count;
    length -= count;
    if (subscriber->partial_length < s->frame_length) return;
    take_message(s, subscriber, partial, now);
  }
  for (; length >= s->frame_length; bytes += s->frame_length, length -= s->frame_length)
    take_message(s, subscriber, bytes, now);
  memcpy(partial, bytes, length);
  subscriber->partial_length = length;
}

static void receive(struct subscribers *s, unsigned index) {
  for (;;) {
    ssize_t count = recv(s->all[index].fd, hot, HOT_BYTE_COUNT, MSG_DONTWAIT);
    if (count == 0) give_up("the server closed a connection");
    if (count < 0) {
      if (errno == EAGAIN) return;
      give_up("recv: %s", strerror(errno));
    }
    s->reads++;
    take_bytes(s, index, count);
    if (count < HOT_BYTE_COUNT) return;
  }
}

static void send_go(struct subscribers *s) {
  struct stream go = make_stream("go", 0, 0, 1);
  ssize_t length = go.sent_frame_length;
  if (send(s->all[0].fd, go.sent, length, MSG_NOSIGNAL) != length)
    give_up("send: %s", strerror(errno));
  free(go.sent);
  free(go.expected);
}

static void forget_round(struct subscribers *s) {
  memset(s->messages, 0, s->message_count * sizeof *s->messages);
  s->deliveries = s->reads = 0;
  for (unsigned i = 0; i < s->count; i++) {
    struct subscriber *subscriber = &s->all[i];
    subscriber->received = 0;
    subscriber->sum = subscriber->sequence = 0;
  }
}

/// Whether each has each message once: there are as many as there should be, and they are they.
static void check_subscribers(const struct subscribers *s) {
  uint64_t expected = 0;
  for (unsigned i = 0; i < s->message_count; i++) expected += spread(i);
  for (unsigned i = 0; i < s->reading; i++) {
    const struct subscriber *subscriber = &s->all[i];
    if (subscriber->received != s->message_count || subscriber->sum != expected)
      give_up("subscriber %u got %u messages of %u, or some twice and others not", i,
              subscriber->received, s->message_count);
    if (subscriber->partial_length > 0) give_up("bytes behind the last message");
  }
}

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static struct round summary(const struct subscribers *s) {
  struct round round = {.deliveries = s->deliveries, .reads = s->reads,
                        .first_published = UINT64_MAX, .has_same_order = true,
                        .latencies = calloc(s->message_count, sizeof(uint64_t))};
  for (unsigned i = 0; i < s->message_count; i++) {
    const struct message *message = &s->messages[i];
    if (message->published < round.first_published) round.first_published = message->published;
    if (message->published > round.last_published) round.last_published = message->published;
    if (message->last_arrived > round.last_arrived) round.last_arrived = message->last_arrived;
    if (message->published > message->last_arrived) give_up("a message came before its time");
    round.latencies[i] = message->last_arrived - message->published;
  }
  for (unsigned i = 1; i < s->reading; i++)
    if (s->all[i].sequence != s->all[0].sequence) round.has_same_order = false;
  qsort(round.latencies, s->message_count, sizeof(uint64_t), by_value);
  return round;
}

struct round run_round(struct subscribers *s) {
  static struct epoll_event events[EVENTS_PER_WAIT];
  uint64_t expected = (uint64_t)s->reading * s->message_count;
  forget_round(s);
  send_go(s);
  for (;;) {
    bool is_complete = s->deliveries >= expected;
    int patience = is_complete ? QUIET_MILLISECONDS : STALL_MILLISECONDS;
    int count = epoll_wait(s->poller, events, EVENTS_PER_WAIT, patience);
    if (count == 0 && is_complete) break;
    if (count == 0)
      give_up("nothing for %d s, %" PRIu64 " of %" PRIu64 " deliveries made",
              STALL_MILLISECONDS / 1000, s->deliveries, expected);
    for (int i = 0; i < count; i++) receive(s, events[i].data.u32);
    if (s->deliveries > expected) give_up("more deliveries than messages");
  }
  check_subscribers(s);
  return summary(s);
}
