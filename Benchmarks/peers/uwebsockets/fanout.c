// The fan-out contract on uWebSockets: every connection subscribes when it opens; at `go`, threads
// that are not its loop publish, or, with --direct, send each message to each connection. Only the
// loop may do either, so that they defer to it.
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "libsocketify.h"

enum { HEAD_LENGTH = 24, BACKPRESSURE_MAX = 1 << 20, MESSAGE_LENGTH_MAX = 1 << 20 };

static struct {
  int port, send_buffer;
  unsigned messages, threads, topics;
  size_t size;
  uint64_t interval_nanoseconds;
  bool is_direct;
} options = {.messages = 1, .threads = 1, .topics = 1, .size = 64};

static uws_app_t *app;
static struct us_loop_t *loop;
static atomic_uint publishing_threads;

/// The connections, NULL where one has gone: what is deferred may come too late for it. Only the loop
/// looks here; the threads know no more than how many there were.
static struct {
  unsigned count, capacity;
  uws_websocket_t **all;
} connections;
static unsigned published_to;  // so many of them, in this round

struct direct {  // what is deferred
  unsigned receiver;
  char payload[];
};
static uint64_t began;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void sleep_until(uint64_t nanoseconds) {
  struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) != 0) continue;
}

static void publish(void *payload) {
  uws_publish(0, app, "0", 1, payload, options.size, UWS_TEXT, false);
  free(payload);
}

static void send_direct(void *deferred) {
  struct direct *direct = deferred;
  uws_websocket_t *ws = connections.all[direct->receiver];
  if (ws) uws_ws_send(0, ws, direct->payload, options.size, UWS_TEXT);
  free(direct);
}

static void send_to_each(const char *payload, unsigned receiver_count) {
  for (unsigned i = 0; i < receiver_count; i++) {
    struct direct *direct = malloc(sizeof *direct + options.size);
    if (!direct) abort();
    direct->receiver = i;
    memcpy(direct->payload, payload, options.size);
    uws_loop_defer(loop, send_direct, direct);
  }
}

/// The messages of one thread: every `threads`-th.
static void *publish_share(void *first) {
  unsigned receiver_count = published_to;
  for (unsigned i = (unsigned)(uintptr_t)first; i < options.messages; i += options.threads) {
    if (options.interval_nanoseconds > 0) sleep_until(began + i * options.interval_nanoseconds);
    char *payload = malloc(options.size), head[HEAD_LENGTH + 1];
    if (!payload) abort();
    snprintf(head, sizeof head, "%016" PRIx64 "%08x", now(), i);
    memcpy(payload, head, HEAD_LENGTH);
    memset(payload + HEAD_LENGTH, 'x', options.size - HEAD_LENGTH);
    if (options.is_direct) {
      send_to_each(payload, receiver_count);
      free(payload);
    } else {
      uws_loop_defer(loop, publish, payload);
    }
  }
  atomic_fetch_sub(&publishing_threads, 1);
  return NULL;
}

static void on_message(uws_websocket_t *ws, const char *message, size_t length,
                       uws_opcode_t opcode, void *user_data) {
  (void)ws, (void)opcode, (void)user_data;
  if (length != 2 || memcmp(message, "go", 2) != 0) return;
  if (atomic_load(&publishing_threads) > 0) return;
  atomic_store(&publishing_threads, options.threads);
  began = now();
  published_to = connections.count;
  for (unsigned i = 0; i < options.threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, publish_share, (void *)(uintptr_t)i) != 0) abort();
    pthread_detach(thread);
  }
}

static void add(uws_websocket_t *ws) {
  if (connections.count == connections.capacity) {
    connections.capacity = connections.capacity * 2 + 64;
    connections.all =
        realloc(connections.all, connections.capacity * sizeof *connections.all);
    if (!connections.all) abort();
  }
  connections.all[connections.count++] = ws;
}

static void on_close(uws_websocket_t *ws, int code, const char *reason, size_t length,
                     void *user_data) {
  (void)code, (void)reason, (void)length, (void)user_data;
  for (unsigned i = 0; i < connections.count; i++)
    if (connections.all[i] == ws) connections.all[i] = NULL;
}

static void on_open(uws_websocket_t *ws, void *user_data) {
  (void)user_data;
  // A uWS::WebSocket is its us_socket_t.
  int fd = (int)(intptr_t)us_socket_get_native_handle(0, (struct us_socket_t *)ws);
  if (options.send_buffer > 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options.send_buffer, sizeof options.send_buffer);
  if (options.is_direct) add(ws);
  for (unsigned i = 0; i < options.topics; i++) {
    char topic[12];
    uws_ws_subscribe(0, ws, topic, (size_t)snprintf(topic, sizeof topic, "%u", i));
  }
}

static void on_listening(struct us_listen_socket_t *socket, uws_app_listen_config_t config,
                         void *user_data) {
  (void)config, (void)user_data;
  if (!socket) fprintf(stderr, "cannot listen on port %d\n", options.port), exit(1);
  puts("listening");
  fflush(stdout);
}

static void on_terminate(int signal) {
  (void)signal;
  _exit(0);
}

static void parse(int argc, char **argv) {
  static const struct option names[] = {
      {"port", required_argument, NULL, 'p'},    {"messages", required_argument, NULL, 'm'},
      {"size", required_argument, NULL, 's'},    {"threads", required_argument, NULL, 'k'},
      {"topics", required_argument, NULL, 't'},  {"interval-us", required_argument, NULL, 'u'},
      {"send-buffer", required_argument, NULL, 'b'}, {"direct", no_argument, NULL, 'd'},
      {NULL, 0, NULL, 0},
  };
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (option) {
      case 'p': options.port = atoi(optarg); break;
      case 'm': options.messages = (unsigned)atoi(optarg); break;
      case 's': options.size = strtoull(optarg, NULL, 10); break;
      case 'k': options.threads = (unsigned)atoi(optarg); break;
      case 't': options.topics = (unsigned)atoi(optarg); break;
      case 'u': options.interval_nanoseconds = strtoull(optarg, NULL, 10) * 1000; break;
      case 'd': options.is_direct = true; break;
      case 'b': options.send_buffer = atoi(optarg); break;
      default: exit(2);
    }
  }
  if (options.port == 0 || options.threads == 0 || options.size < 32) exit(2);
}

int main(int argc, char **argv) {
  parse(argc, argv);
  signal(SIGTERM, on_terminate);
  loop = uws_get_loop();
  app = uws_create_app(0, (struct us_socket_context_options_t){0});
  uws_socket_behavior_t behavior = {
      .maxPayloadLength = MESSAGE_LENGTH_MAX,
      .maxBackpressure = BACKPRESSURE_MAX,
      .open = on_open,
      .message = on_message,
      .close = on_close,
  };
  uws_ws(0, app, "/*", behavior, NULL);
  uws_app_listen_config_t where = {.port = options.port, .host = "127.0.0.1"};
  uws_app_listen_with_config(0, app, where, on_listening, NULL);
  uws_app_run(0, app);
  return 1;
}
