#define _GNU_SOURCE
#include "client/loop.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/closing.h"
#include "client/frames.h"
#include "client/opening.h"
#include "client/process.h"

enum {
  HOT_BYTE_COUNT = 512 * 1024,
  EVENTS_PER_WAIT = 1024,
  NANOSECONDS_PER_MILLISECOND = 1000000,
};

static const uint32_t waker_tag = UINT32_MAX;  // instead of a connection's place

void watch(struct loop *loop, struct connection *c, bool is_new) {
  struct epoll_event event = {
      .events = (is_new ? EPOLLIN : 0) | EPOLLOUT | EPOLLRDHUP | EPOLLET,
      .data.u32 = (uint32_t)(c - loop->all),
  };
  if (epoll_ctl(loop->poller, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c->fd, &event) < 0)
    give_up(FAILED, "epoll_ctl: %s", strerror(errno));
}

void lose(struct loop *loop, struct connection *c, int error) {
  const char *what = error ? strerror(error) : "the server ended it without a close frame";
  if (c->is_stalled) {
    loop->stalled_ended++;
  } else if (c->state == OPEN) {
    give_up(CONNECTION_LOST, "connection %u: %s", c->index, what);
  } else if (c->state == CLOSING) {
    loop->unclosed++;
    loop->unclosed_reason = what;
  }
  forget_connection(loop, c);
  if (loop->plan->mode->ended) loop->plan->mode->ended(loop, c);
}

void send_queued(struct loop *loop, struct connection *c) {
  // While closing, what breaks sending is found again by reading, behind what has arrived before.
  if (!flush(c, &loop->plan->stream) && c->state == OPEN) lose(loop, c, errno);
}

static void receive(struct loop *loop, struct connection *c, unsigned events) {
  bool reads_to_end = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
  for (;;) {
    // Not recv(3): in a program with threads it makes itself a point of cancellation each time.
    long count = syscall(SYS_recvfrom, c->fd, loop->hot, HOT_BYTE_COUNT, MSG_DONTWAIT, NULL, NULL);
    if (count <= 0) {
      if (count == 0 || errno != EAGAIN) lose(loop, c, count == 0 ? 0 : errno);
      return;
    }
    loop->now = loop->last_progress = monotonic_nanoseconds();
    loop->findings.reads++;
    if (c->state == OPEN) {
      loop->plan->mode->received(loop, c, loop->hot, (size_t)count);
    } else {
      take_frames(loop, c, loop->hot, (size_t)count);
    }
    if (count < HOT_BYTE_COUNT && !reads_to_end) return;
    if (c->state == ENDED) return;
  }
}

static void serve_connection(struct loop *loop, struct connection *c, unsigned events) {
  if (c->state < OPEN || c->state == ENDED) {
    if (c->opening) advance_opening(loop, c);
    return;
  }
  if (events & EPOLLOUT && c->is_full) {
    c->is_full = false;
    send_queued(loop, c);
    if (c->state == ENDED) return;
  }
  if (!c->is_stalled) {
    if (events & ~EPOLLOUT) receive(loop, c, events);
  } else if (events & (EPOLLHUP | EPOLLERR)) {
    lose(loop, c, ECONNRESET);
  }
}

static void take_snapshot(struct loop *loop) {
  atomic_store(&loop->snapshot_wanted, false);
  pthread_mutex_lock(&loop->snapshot_lock);
  const struct findings *f = &loop->findings;
  loop->snapshot.completed = f->completed;
  loop->snapshot.in_flight = f->issued > f->completed ? f->issued - f->completed : 0;
  loop->snapshot.open = loop->open_count;
  loop->snapshot.p50 = percentile(&f->latency, 50);
  loop->snapshot.p99 = percentile(&f->latency, 99);
  pthread_mutex_unlock(&loop->snapshot_lock);
}

/// Whole milliseconds first; what is left of the time is waited for by the next call.
static int wait(struct loop *loop, struct epoll_event *events, int64_t nanoseconds) {
  if (nanoseconds <= 0 || nanoseconds >= NANOSECONDS_PER_MILLISECOND) {
    int milliseconds = nanoseconds < 0 ? -1 : (int)(nanoseconds / NANOSECONDS_PER_MILLISECOND);
    return epoll_wait(loop->poller, events, EVENTS_PER_WAIT, milliseconds);
  }
  struct timespec timeout = {.tv_nsec = nanoseconds};
  return epoll_pwait2(loop->poller, events, EVENTS_PER_WAIT, &timeout, NULL);  // Linux 5.11
}

void serve(struct loop *loop, int64_t timeout_nanoseconds) {
  struct epoll_event events[EVENTS_PER_WAIT];
  int count = wait(loop, events, timeout_nanoseconds);
  if (count < 0 && errno != EINTR) give_up(FAILED, "epoll: %s", strerror(errno));
  loop->now = monotonic_nanoseconds();
  for (int i = 0; i < count; i++) {
    if (events[i].data.u32 == waker_tag) {
      uint64_t wakes;
      if (read(loop->waker, &wakes, sizeof wakes) < 0) continue;  // has been read already
    } else {
      serve_connection(loop, &loop->all[events[i].data.u32], events[i].events);
    }
  }
  if (atomic_load_explicit(&loop->snapshot_wanted, memory_order_relaxed)) take_snapshot(loop);
}

void check_patience(struct loop *loop, const char *what, uint64_t outstanding) {
  double waited = (double)(monotonic_nanoseconds() - loop->last_progress) / 1e9;
  if (waited > loop->plan->options.timeout)
    give_up(SILENCE, "no %s for %g s, %llu outstanding", what, loop->plan->options.timeout,
            (unsigned long long)outstanding);
}

static void run(struct loop *loop) {
  struct findings *f = &loop->findings;
  uint64_t cpu_began = thread_cpu_nanoseconds();
  f->began = loop->last_progress = loop->now = monotonic_nanoseconds();
  loop->plan->mode->run(loop);
  f->ended = monotonic_nanoseconds();
  f->cpu_nanoseconds = thread_cpu_nanoseconds() - cpu_began;
  loop->found = *f;
}

static void prepare(struct loop *loop) {
  forget_round(&loop->found.round);
  memset(&loop->findings, 0, sizeof loop->findings);
  loop->fresh = 0;
  if (loop->plan->mode->prepare) loop->plan->mode->prepare(loop);
}

static void pin(const struct loop *loop) {
  const struct options *o = &loop->plan->options;
  if (o->cpu_count == 0) return;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(o->cpus[loop->number % o->cpu_count], &cpus);
  if (sched_setaffinity(0, sizeof cpus, &cpus) < 0)
    give_up(FAILED, "--cpu %u: %s", o->cpus[loop->number % o->cpu_count], strerror(errno));
}

static void *work(void *argument) {
  struct loop *loop = argument;
  pin(loop);
  prctl(PR_SET_TIMERSLACK, 1);  // a schedule is kept to the microsecond
  for (;;) {
    // Pings want answers, and ends want to be noticed, whatever else there is to do.
    while (atomic_load(&loop->command) == NOTHING) serve(loop, -1);
    switch ((enum command)atomic_load(&loop->command)) {
      case OPEN_ALL: open_all(loop); break;
      case PREPARE: prepare(loop); break;
      case RUN: run(loop); break;
      case CLOSE_ALL: close_all(loop); break;
      case QUIT: return NULL;
      case NOTHING: break;
    }
    loop->found.pings = loop->pings;
    loop->found.stalled_ended = loop->stalled_ended;
    loop->found.open = loop->open_count;
    atomic_store(&loop->command, NOTHING);
    sem_post(&loop->done);
  }
}

void start_loop(struct loop *loop) {
  loop->poller = epoll_create1(EPOLL_CLOEXEC);
  loop->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  loop->hot = aligned_alloc(4096, HOT_BYTE_COUNT);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = waker_tag};
  if (loop->poller < 0 || loop->waker < 0 || !loop->hot ||
      epoll_ctl(loop->poller, EPOLL_CTL_ADD, loop->waker, &event) < 0)
    give_up(FAILED, "an event loop: %s", strerror(errno));
  sem_init(&loop->done, 0, 0);
  pthread_mutex_init(&loop->snapshot_lock, NULL);
  if ((errno = pthread_create(&loop->thread, NULL, work, loop)))
    give_up(FAILED, "a thread: %s", strerror(errno));
}

void give_command(struct loop *loop, enum command command) {
  atomic_store(&loop->command, command);
  if (write(loop->waker, &(uint64_t){1}, sizeof(uint64_t)) < 0)
    give_up(FAILED, "eventfd: %s", strerror(errno));
}

void await_command(struct loop *loop) {
  while (sem_wait(&loop->done) < 0) continue;
}
