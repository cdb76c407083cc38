// The echo contract on libwebsockets. It wants messages to be sent when it says that a connection is
// writable, so each has a queue; several may be written then, as long as none is kept back. Its own
// loop waits by poll(2): with 100 and with 1,000 busy connections it took less time than its libuv and
// its libev.
#define _GNU_SOURCE
#include <getopt.h>
#include <libwebsockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
  MESSAGE_LENGTH_MAX = 1 << 20,
  // A large one for all connections: what is received at once by the thread.
  SERVICE_BUFFER_LENGTH = 256 * 1024,
  // Of each connection: what of a frame is handed over at once.
  RECEIVE_BUFFER_LENGTH = 16 * 1024,
  FIRST_CAPACITY = 512,
  SPARE_COUNT_MAX = 4096,
};

struct message {
  struct message *next;
  size_t length, capacity;
  bool is_binary;
  unsigned char head_room[LWS_PRE];  // the library puts the header here, so that nothing is copied
  unsigned char bytes[];
};

struct session {
  struct message *receiving;  // not complete yet
  struct message *first, *last;
};

/// Small ones that are used again.
static struct message *spare;
static unsigned spare_count;

static struct message *take_message(void) {
  struct message *message = spare;
  if (message) {
    spare = message->next;
    spare_count--;
  } else {
    message = malloc(sizeof *message + FIRST_CAPACITY);
    if (!message) abort();
    message->capacity = FIRST_CAPACITY;
  }
  message->next = NULL;
  message->length = 0;
  return message;
}

static void put_back(struct message *message) {
  if (message->capacity > RECEIVE_BUFFER_LENGTH * 2 || spare_count == SPARE_COUNT_MAX) {
    free(message);
    return;
  }
  message->next = spare;
  spare = message;
  spare_count++;
}

static struct message *append(struct message *message, const void *bytes, size_t length,
                              size_t more) {
  size_t needed = message->length + length;
  if (needed > message->capacity) {
    message->capacity = needed + more;
    message = realloc(message, sizeof *message + message->capacity);
    if (!message) abort();
  }
  memcpy(message->bytes + message->length, bytes, length);
  message->length = needed;
  return message;
}

static int receive(struct lws *wsi, struct session *session, const void *bytes, size_t length) {
  if (!session->receiving) {
    session->receiving = take_message();
    session->receiving->is_binary = lws_frame_is_binary(wsi);
  }
  size_t more = lws_remaining_packet_payload(wsi);
  if (session->receiving->length + length + more > MESSAGE_LENGTH_MAX) return -1;
  session->receiving = append(session->receiving, bytes, length, more);
  if (more > 0 || !lws_is_final_fragment(wsi)) return 0;

  bool is_first = !session->first;
  if (is_first) session->first = session->receiving;
  else session->last->next = session->receiving;
  session->last = session->receiving;
  session->receiving = NULL;
  if (is_first) lws_callback_on_writable(wsi);
  return 0;
}

static int send_queued(struct lws *wsi, struct session *session) {
  while (session->first) {
    struct message *message = session->first;
    int written = lws_write(wsi, message->bytes, message->length,
                            message->is_binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
    if (written < (int)message->length) return -1;
    session->first = message->next;
    put_back(message);
    if (session->first && lws_partial_buffered(wsi)) {
      lws_callback_on_writable(wsi);
      return 0;
    }
  }
  return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *session_data,
                    void *bytes, size_t length) {
  struct session *session = session_data;
  switch (reason) {
    case LWS_CALLBACK_RECEIVE: return receive(wsi, session, bytes, length);
    case LWS_CALLBACK_SERVER_WRITEABLE: return send_queued(wsi, session);
    case LWS_CALLBACK_CLOSED:
      for (struct message *next; session->first; session->first = next) {
        next = session->first->next;
        put_back(session->first);
      }
      if (session->receiving) put_back(session->receiving);
      session->receiving = NULL;
      return 0;
    default: return 0;
  }
}

static void on_terminate(int signal) {
  (void)signal;
  _exit(0);
}

int main(int argc, char **argv) {
  static const struct option names[] = {{"port", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
  int port = 0;
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    if (option != 'p') exit(2);
    port = atoi(optarg);
  }
  // Its tables have as many places as files may be open.
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max < (1 << 16) ? files.rlim_max : (1 << 16);
  setrlimit(RLIMIT_NOFILE, &files);

  static const struct lws_protocols protocols[] = {
      {.name = "echo", .callback = on_event, .per_session_data_size = sizeof(struct session),
       .rx_buffer_size = RECEIVE_BUFFER_LENGTH, .tx_packet_size = MESSAGE_LENGTH_MAX + LWS_PRE},
      {0},
  };
  struct lws_context_creation_info info = {
      .port = port,
      .iface = "127.0.0.1",
      .protocols = protocols,
      .pt_serv_buf_size = SERVICE_BUFFER_LENGTH,
      .gid = -1,
      .uid = -1,
  };
  lws_set_log_level(LLL_ERR, NULL);
  struct lws_context *context = lws_create_context(&info);
  if (!context) return 1;
  signal(SIGTERM, on_terminate);
  printf("listening port=%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
  fflush(stdout);
  while (lws_service(context, 0) >= 0) continue;
  return 1;
}
