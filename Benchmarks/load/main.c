// martlet-load: load for any WebSocket server, and what becomes of it. `--help` says how.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/loop.h"
#include "client/process.h"
#include "modes/modes.h"
#include "report/live.h"
#include "report/outcome.h"
#include "report/picture.h"

static struct plan plan;
static struct loop *loops;

static const struct mode_functions *functions_of(const struct options *o) {
  switch (o->mode) {
    case MODE_RATE: return &rate_mode;
    case MODE_FANOUT: return o->is_passive ? &passive_mode : &fanout_mode;
    case MODE_CONNECT: return &connect_mode;
    case MODE_IDLE: return &idle_mode;
    case MODE_ECHO: break;
  }
  return &echo_mode;
}

/// The share of loop `number` in something that is divided between all.
static uint64_t share_of(uint64_t count, unsigned number) {
  unsigned threads = plan.options.threads;
  return count / threads + (number < count % threads);
}

static void make_plan(void) {
  struct options *o = &plan.options;
  unsigned reach = o->mode == MODE_CONNECT && o->keeps ? (unsigned)o->messages
                   : o->mode == MODE_CONNECT           ? o->parallel
                                                       : o->connections;
  if (o->mode == MODE_CONNECT && o->messages > 0 && o->parallel > o->messages)
    o->parallel = (unsigned)o->messages;
  if (reach < o->threads) o->threads = reach;
  if (o->mode == MODE_CONNECT && o->parallel < o->threads) o->threads = o->parallel;
  o->connections = reach;
  raise_descriptor_limit(reach + 4 * o->threads);
  find_target(&plan.target, o->url, o->source_addresses);
  plan.mode = functions_of(o);
  const char *payload = o->greeting ? o->greeting : o->payload;
  if (o->mode != MODE_CONNECT && (o->mode != MODE_FANOUT || o->greeting))
    plan.stream = make_stream(payload, o->size, o->is_binary, o->in_flight, o->seed);
}

static void make_loop(unsigned number) {
  const struct options *o = &plan.options;
  struct loop *loop = &loops[number];
  loop->plan = &plan;
  loop->number = number;
  loop->count = (unsigned)share_of(o->connections, number);
  loop->all = zeroed(loop->count, sizeof *loop->all);
  for (unsigned i = 0; i < loop->count; i++) {
    struct connection *c = &loop->all[i];
    c->index = i * o->threads + number;
    c->is_stalled = c->index >= o->connections - o->stalled;
    loop->reading += !c->is_stalled;
  }
  if (o->mode == MODE_ECHO || o->mode == MODE_IDLE)
    loop->batches = zeroed((uint64_t)loop->count * o->in_flight, sizeof *loop->batches);
  if (o->mode == MODE_FANOUT && !o->is_passive)
    loop->deliveries = make_deliveries(loop->reading, (unsigned)o->messages, o->size);
  start_loop(loop);
}

static void command_all(enum command command) {
  for (unsigned i = 0; i < plan.options.threads; i++) give_command(&loops[i], command);
  for (unsigned i = 0; i < plan.options.threads; i++) await_command(&loops[i]);
}

static void run_all(uint64_t messages, double seconds, bool is_shown) {
  const struct options *o = &plan.options;
  command_all(PREPARE);
  uint64_t start = monotonic_nanoseconds() + 1000000;  // for all loops to get there
  for (unsigned i = 0; i < o->threads; i++)
    loops[i].task = (struct task){
        .messages = messages > 0 ? share_of(messages, i) : UINT64_MAX / 2,
        .seconds = seconds,
        .start = start,
    };
  for (unsigned i = 0; i < o->threads; i++) give_command(&loops[i], RUN);
  if (is_shown && !o->is_quiet && isatty(STDERR_FILENO))
    watch_live(loops, o->threads);
  else
    for (unsigned i = 0; i < o->threads; i++) await_command(&loops[i]);
}

static void measure(void) {
  const struct options *o = &plan.options;
  run_all(o->messages, o->duration, true);
  struct outcome *outcome = malloc(sizeof *outcome);
  if (!outcome) give_up(FAILED, "no memory");
  gather(outcome, &plan, loops);
  if (o->is_json)
    print_json(outcome, stdout);
  else if (!o->is_quiet)
    print_report(outcome);
  fflush(stdout);
  if (o->svg) {
    char title[512];
    snprintf(title, sizeof title, "%s %s: %.0f/s", mode_name(o->mode), o->url,
             (double)outcome->messages / outcome->seconds);
    write_svg(&outcome->latency, title, o->svg);
  }
  free(outcome);
}

static void say_ready(void) {
  puts("ready");
  fflush(stdout);
}

/// True once there is a line on stdin, false once it ends.
static bool await_line(void) {
  for (int next; (next = getchar()) != EOF;)
    if (next == '\n') return true;
  return false;
}

static void hold(void) {
  const struct options *o = &plan.options;
  do {
    run_all(0, 0, false);
    if (o->has_gate || o->duration == 0) say_ready();
    if (o->duration > 0) {
      double fraction = o->duration - (double)(time_t)o->duration;
      struct timespec left = {(time_t)o->duration, (long)(fraction * 1e9)};
      while (nanosleep(&left, &left) < 0 && !is_interrupted()) continue;
      break;
    }
  } while (await_line());
  if (!o->is_json && (o->is_quiet || o->has_gate)) return;
  uint64_t pings = 0, open = 0;
  command_all(PREPARE);  // what it was until now
  for (unsigned i = 0; i < o->threads; i++)
    pings += loops[i].found.pings, open += loops[i].found.open;
  printf(o->is_json ? "{\"mode\": \"idle\", \"connections\": %llu, \"pings\": %llu}\n"
                    : "idle: %llu connections were held; %llu pings answered\n",
         (unsigned long long)open, (unsigned long long)pings);
}

static int close_all_connections(void) {
  uint64_t unclosed = 0;
  const char *reason = "";
  command_all(CLOSE_ALL);
  for (unsigned i = 0; i < plan.options.threads; i++) {
    unclosed += loops[i].unclosed;
    if (loops[i].unclosed_reason) reason = loops[i].unclosed_reason;
  }
  if (unclosed == 0) return 0;
  fprintf(stderr, "martlet-load: %llu connections had no closing handshake: %s\n",
          (unsigned long long)unclosed, reason);
  return PROTOCOL_ERROR;
}

int main(int argc, char **argv) {
  plan.options = parse_options(argc, argv);
  heed_interrupts();
  const struct options *o = &plan.options;
  make_plan();
  loops = zeroed(o->threads, sizeof *loops);
  for (unsigned i = 0; i < o->threads; i++) make_loop(i);
  if (o->mode != MODE_CONNECT) command_all(OPEN_ALL);
  if (o->mode == MODE_IDLE) {
    hold();
  } else {
    if (o->warmup_messages > 0 || o->warmup_seconds > 0)
      run_all(o->warmup_messages, o->warmup_seconds, false);
    if (o->has_gate) {
      say_ready();
      while (await_line()) measure();
    } else {
      measure();
    }
  }
  int status = close_all_connections();
  fflush(stdout);
  return status;
}
