#define _GNU_SOURCE
#include "modes/deliveries.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/process.h"
#include "client/stream.h"

struct deliveries make_deliveries(unsigned subscriber_count, unsigned message_count,
                                  size_t payload_length) {
  struct stream example = make_stream(NULL, payload_length, 0, 1, 0);
  struct deliveries d = {
      .subscriber_count = subscriber_count,
      .message_count = message_count,
      .payload_length = payload_length,
      .frame_length = example.expected_frame_length,
      .header_length = example.expected_frame_length - payload_length,
      .received = zeroed(subscriber_count, sizeof *d.received),
      .messages = zeroed(message_count, sizeof *d.messages),
  };
  memcpy(d.header, example.expected, d.header_length);
  d.partial = zeroed(subscriber_count, d.frame_length);
  d.reference.frames = zeroed(message_count, d.frame_length);
  d.reference.numbers = zeroed(message_count, sizeof *d.reference.numbers);
  d.reference.sums = zeroed(message_count + 1, sizeof *d.reference.sums);
  d.reference.last_arrived = zeroed(message_count, sizeof *d.reference.last_arrived);
  return d;
}

void begin_round(struct deliveries *d) {
  memset(d->messages, 0, d->message_count * sizeof *d->messages);
  memset(d->received, 0, d->subscriber_count * sizeof *d->received);
  d->reference.count = 0;
  d->count = 0;
  d->round_count++;
}

static uint64_t hexadecimal(const uint8_t *digits, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; i++) {
    uint8_t digit = digits[i];
    unsigned nibble = digit >= '0' && digit <= '9'   ? digit - '0'
                      : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                                     : 16;
    if (nibble > 15)
      give_up(WRONG_MESSAGE, "a payload does not begin with 24 hexadecimal digits");
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

/// Checks all of a frame. Returns its message's number.
static unsigned parse(struct deliveries *d, const uint8_t *frame) {
  if (memcmp(frame, d->header, d->header_length) != 0)
    give_up(WRONG_MESSAGE, "a frame begins with %02x %02x instead of %02x %02x", frame[0],
            frame[1], d->header[0], d->header[1]);
  const uint8_t *payload = frame + d->header_length;
  uint64_t number = hexadecimal(payload + TIME_DIGITS, NUMBER_DIGITS);
  if (number >= d->message_count)
    give_up(WRONG_MESSAGE, "message %" PRIu64 " of %u", number, d->message_count);
  const uint8_t *filler = payload + TIME_DIGITS + NUMBER_DIGITS;
  size_t filler_length = d->payload_length - TIME_DIGITS - NUMBER_DIGITS;
  // All are the same if each is its neighbour.
  if (filler[0] != 'x' || memcmp(filler, filler + 1, filler_length - 1) != 0)
    give_up(WRONG_MESSAGE, "a payload is not filled with x");

  struct message *message = &d->messages[number];
  if (message->published == 0) {
    message->published = hexadecimal(payload, TIME_DIGITS);
    memcpy(message->head, payload, sizeof message->head);
  } else if (memcmp(message->head, payload, sizeof message->head) != 0) {
    give_up(WRONG_MESSAGE, "there are two messages %" PRIu64, number);
  }
  return number;
}

/// Takes as many frames as there are where the reference has the same. Returns how many.
static size_t take_expected(struct deliveries *d, struct received *received, const uint8_t *frames,
                            size_t count, uint64_t now) {
  if (received->has_left_order) return 0;
  unsigned first = received->count, known = d->reference.count - first;
  if (count > known) count = known;
  const uint8_t *expected = d->reference.frames + first * d->frame_length;
  if (count == 0 || memcmp(frames, expected, count * d->frame_length) != 0) return 0;
  for (size_t i = first; i < first + count; i++) d->reference.last_arrived[i] = now;
  received->count += count;
  d->count += count;
  return count;
}

static void extend_reference(struct deliveries *d, const uint8_t *frame, unsigned number,
                             uint64_t now) {
  unsigned place = d->reference.count++;
  memcpy(d->reference.frames + place * d->frame_length, frame, d->frame_length);
  d->reference.numbers[place] = number;
  d->reference.sums[place + 1] = d->reference.sums[place] + spread(number);
  d->reference.last_arrived[place] = now;
  d->messages[number].is_in_reference = true;
}

static void take_other(struct deliveries *d, struct received *received, const uint8_t *frame,
                       uint64_t now) {
  unsigned number = parse(d, frame);
  struct message *message = &d->messages[number];
  bool is_ahead = received->count == d->reference.count && !message->is_in_reference;
  if (!received->has_left_order && is_ahead) {
    extend_reference(d, frame, number, now);
  } else {
    if (received->count == d->message_count)
      give_up(WRONG_MESSAGE, "a subscriber gets more than all messages");
    if (!received->has_left_order) received->sum = d->reference.sums[received->count];
    received->has_left_order = true;
    received->sum += spread(number);
    message->last_arrived = now;
  }
  received->count++;
  d->count++;
}

/// Stops at a control frame. Returns how many frames are in front of it.
static size_t take_whole(struct deliveries *d, struct received *received, const uint8_t *frames,
                         size_t count, uint64_t now) {
  bool are_expected = true;  // until one is not: then one by one
  size_t all = count;
  while (count > 0) {
    size_t taken = take_expected(d, received, frames, are_expected ? count : 1, now);
    if (taken == 0 && are_expected) {
      are_expected = false;
      continue;
    }
    if (taken == 0) {
      if (frames[0] & CONTROL_BIT) break;
      take_other(d, received, frames, now);
      taken = 1;
    }
    frames += taken * d->frame_length;
    count -= taken;
  }
  return all - count;
}

size_t take_bytes(struct deliveries *d, unsigned subscriber, const uint8_t *bytes, size_t length,
                  uint64_t now) {
  struct received *received = &d->received[subscriber];
  uint8_t *partial = d->partial + subscriber * d->frame_length;
  size_t used = 0;
  if (received->partial_length > 0) {
    size_t missing = d->frame_length - received->partial_length;
    used = missing < length ? missing : length;
    memcpy(partial + received->partial_length, bytes, used);
    received->partial_length += used;
    if (received->partial_length < d->frame_length) return used;
    take_whole(d, received, partial, 1, now);
    received->partial_length = 0;
  }
  size_t count = (length - used) / d->frame_length;
  size_t taken = take_whole(d, received, bytes + used, count, now);
  used += taken * d->frame_length;
  if (taken < count || used == length || bytes[used] & CONTROL_BIT) return used;
  received->partial_length = length - used;
  memcpy(partial, bytes + used, length - used);
  return length;
}

static void check_subscribers(const struct deliveries *d) {
  uint64_t all = 0;
  for (unsigned i = 0; i < d->message_count; i++) all += spread(i);
  for (unsigned i = 0; i < d->subscriber_count; i++) {
    const struct received *received = &d->received[i];
    // No message is in the reference twice: who has seen all of it in its order has each.
    bool has_each = !received->has_left_order || received->sum == all;
    if (received->count != d->message_count || !has_each)
      give_up(WRONG_MESSAGE, "subscriber %u got %u messages of %u%s", i, received->count,
              d->message_count, has_each ? "" : ", some of them twice");
    if (received->partial_length > 0) give_up(WRONG_MESSAGE, "bytes behind the last message");
  }
}

struct round end_round(const struct deliveries *d) {
  check_subscribers(d);
  struct round round = {.deliveries = d->count, .first_published = UINT64_MAX,
                        .published = zeroed(d->message_count, sizeof *round.published),
                        .arrived = zeroed(d->message_count, sizeof *round.arrived),
                        .order = d->reference.numbers,
                        .has_same_order = true};
  for (unsigned i = 0; i < d->message_count; i++)
    round.arrived[i] = d->messages[i].last_arrived;
  for (unsigned place = 0; place < d->reference.count; place++) {
    uint64_t *last = &round.arrived[d->reference.numbers[place]];
    if (d->reference.last_arrived[place] > *last) *last = d->reference.last_arrived[place];
  }
  for (unsigned i = 0; i < d->message_count; i++) {
    uint64_t published = d->messages[i].published, arrived = round.arrived[i];
    round.published[i] = published;
    if (published > arrived) give_up(WRONG_MESSAGE, "a message came before its time");
    if (published < round.first_published) round.first_published = published;
    if (published > round.last_published) round.last_published = published;
    if (arrived > round.last_arrived) round.last_arrived = arrived;
  }
  for (unsigned i = 0; i < d->subscriber_count; i++)
    if (d->received[i].has_left_order) round.has_same_order = false;
  return round;
}

void forget_round(struct round *round) {
  free(round->published);
  free(round->arrived);
  *round = (struct round){0};
}

void add_round(struct round *to, const struct round *from, unsigned message_count) {
  to->deliveries += from->deliveries;
  to->has_same_order &= from->has_same_order;
  if (memcmp(to->order, from->order, message_count * sizeof *to->order) != 0)
    to->has_same_order = false;
  for (unsigned i = 0; i < message_count; i++) {
    if (to->published[i] != from->published[i])
      give_up(WRONG_MESSAGE, "there are two messages %u", i);
    if (from->arrived[i] > to->arrived[i]) to->arrived[i] = from->arrived[i];
  }
  if (from->last_arrived > to->last_arrived) to->last_arrived = from->last_arrived;
}
