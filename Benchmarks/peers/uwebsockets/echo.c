// The echo contract on uWebSockets. What a message handler sends is corked by the library: all the
// echoes of one read leave in one send.
#define _GNU_SOURCE
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libsocketify.h"

enum {
  MESSAGE_LENGTH_MAX = 1 << 20,
  // Beyond it messages would be dropped: only who never reads may come this far.
  BACKPRESSURE_MAX = 1 << 30,
};

static void on_message(uws_websocket_t *ws, const char *message, size_t length,
                       uws_opcode_t opcode, void *user_data) {
  (void)user_data;
  uws_ws_send(0, ws, message, length, opcode);
}

static void on_listening(struct us_listen_socket_t *socket, uws_app_listen_config_t config,
                         void *user_data) {
  (void)user_data;
  if (!socket) fprintf(stderr, "cannot listen on port %d\n", config.port), exit(1);
  // A listening socket is a us_socket_t.
  printf("listening port=%d\n", us_socket_local_port(0, (struct us_socket_t *)socket));
  fflush(stdout);
}

static void on_terminate(int signal) {
  (void)signal;
  _exit(0);
}

int main(int argc, char **argv) {
  static const struct option names[] = {{"port", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
  uws_app_listen_config_t where = {.host = "127.0.0.1"};
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    if (option != 'p') exit(2);
    where.port = atoi(optarg);
  }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGTERM, on_terminate);
  uws_app_t *app = uws_create_app(0, (struct us_socket_context_options_t){0});
  uws_socket_behavior_t behavior = {  // no idle timeout, no compression
      .maxPayloadLength = MESSAGE_LENGTH_MAX,
      .maxBackpressure = BACKPRESSURE_MAX,
      .message = on_message,
  };
  uws_ws(0, app, "/*", behavior, NULL);
  uws_app_listen_with_config(0, app, where, on_listening, NULL);
  uws_app_run(0, app);
  return 1;
}
