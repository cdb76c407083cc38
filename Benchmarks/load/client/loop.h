// An event loop: a thread with a share of the connections. It serves them until it is given a
// command, carries that out, and goes on serving.
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "client/connection.h"
#include "client/target.h"
#include "modes/deliveries.h"
#include "options.h"
#include "report/histogram.h"

struct loop;

/// What a mode does. Any may be NULL but `run`.
struct mode_functions {
  void (*opened)(struct loop *loop, struct connection *c);
  /// Bytes behind the opening handshake, as they come.
  void (*received)(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length);
  /// What `take_frames` finds in them.
  void (*payload)(struct loop *loop, struct connection *c, const uint8_t *bytes, size_t length);
  void (*message)(struct loop *loop, struct connection *c);
  void (*ended)(struct loop *loop, struct connection *c);
  void (*prepare)(struct loop *loop);  // all loops, before any runs
  void (*run)(struct loop *loop);
};

struct batch {  // of messages sent in one write
  uint64_t sent;  // nanoseconds
  uint32_t count;
};

/// What is common to all loops, and does not change while they run.
struct plan {
  struct options options;
  struct target target;
  struct stream stream;
  const struct mode_functions *mode;
};

enum command { NOTHING, OPEN_ALL, PREPARE, RUN, CLOSE_ALL, QUIT };

/// What one run asks of one loop.
struct task {
  uint64_t messages;  // UINT64_MAX: as many as the time allows
  double seconds;     // 0: as long as it takes
  uint64_t start;     // of the schedule, in nanoseconds
};

/// What one run has found.
struct findings {
  uint64_t began, ended, cpu_nanoseconds;
  uint64_t completed, completed_in_time, issued, bytes, reads;
  uint64_t late, blocked;  // of the open loop: sent long after their time; held up by the server
  struct histogram latency, lag;
  struct round round;  // of broadcasts
  uint64_t pings, stalled_ended, open;  // since the beginning, and now
};

struct loop {
  const struct plan *plan;
  unsigned number;
  struct connection *all;
  unsigned count, reading;  // of `all`: those from `reading` on never read
  struct batch *batches;
  struct deliveries deliveries;

  int poller, waker;
  uint8_t *hot;  // what every read goes to
  uint64_t now;  // of the last read, or of the last wait
  uint64_t last_progress;
  unsigned events;  // of the connection that is served

  unsigned next_to_open, opening_count, open_count, closing_count;
  uint64_t opened_ever, stalled_ended, unclosed, pings;
  const char *unclosed_reason;

  struct task task;
  uint64_t to_issue, fresh;  // messages of the run; those completed by one read
  struct findings findings;  // still counted in between runs, when a server sends on its own
  struct findings found;     // what they were at the end of the last command; for the main thread

  pthread_t thread;
  atomic_int command;
  sem_t done;
  atomic_bool snapshot_wanted;
  pthread_mutex_t snapshot_lock;
  struct {
    uint64_t completed, in_flight, open, p50, p99;
  } snapshot;
};

void start_loop(struct loop *loop);

/// Any thread but the loop's own.
void give_command(struct loop *loop, enum command command);
void await_command(struct loop *loop);

/// Waits for events once, and serves them. Loop's thread, as all below. -1 waits for ever.
void serve(struct loop *loop, int64_t timeout_nanoseconds);

/// Watches a socket. A connection that never reads is not told what there is to read.
void watch(struct loop *loop, struct connection *c, bool is_new);

/// Sends what is queued or issued; a broken connection is what `lose` makes of it.
void send_queued(struct loop *loop, struct connection *c);

/// The server has ended it, by FIN (0) or with an error: allowed while closing, or if stalled.
void lose(struct loop *loop, struct connection *c, int error);

/// Ends the program if nothing has come for as long as nothing may take.
void check_patience(struct loop *loop, const char *what, uint64_t outstanding);
