#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../wire/handshake.h"

enum { LONGEST_REQUEST = 8192, BACKLOG = 4096 };

struct counters counters;

_Noreturn void fail(const char *what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(1);
}

struct options parse_options(int argc, char **argv) {
  static const struct option names[] = {
      {"port", required_argument, NULL, 'p'},    {"stats", no_argument, NULL, 's'},
      {"buffers", required_argument, NULL, 'n'}, {"buffer-bytes", required_argument, NULL, 'b'},
      {"ring-only", no_argument, NULL, 'r'},     {NULL, 0, NULL, 0},
  };
  struct options options = {.port = 8080, .buffer_count = 256, .buffer_byte_count = 4096};
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (option) {
      case 'p': options.port = (uint16_t)atoi(optarg); break;
      case 's': options.prints_stats = true; break;
      case 'n': options.buffer_count = (unsigned)atoi(optarg); break;
      case 'b': options.buffer_byte_count = (unsigned)atoi(optarg); break;
      case 'r': options.keeps_to_ring = true; break;
      default: exit(2);
    }
  }
  return options;
}

int listen_on(const struct options *options) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket", errno);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons(options->port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  socklen_t length = sizeof address;
  if (bind(fd, (struct sockaddr *)&address, length) < 0) fail("bind", errno);
  if (listen(fd, BACKLOG) < 0) fail("listen", errno);
  getsockname(fd, (struct sockaddr *)&address, &length);
  printf("listening port=%u\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

int open_signals(bool prints_stats) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGALRM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  if (prints_stats)
    setitimer(ITIMER_REAL, &(struct itimerval){.it_interval = {1, 0}, .it_value = {1, 0}}, NULL);
  int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) fail("signalfd", errno);
  return fd;
}

bool answer_signal(int signals) {
  struct signalfd_siginfo info;
  counters.system_calls += 2;  // this read, and the write behind the next line
  if (read(signals, &info, sizeof info) != sizeof info) return true;
  printf("messages=%" PRIu64 " syscalls=%" PRIu64 "\n", counters.messages, counters.system_calls);
  fflush(stdout);
  return info.ssi_signo == SIGALRM;
}

size_t descriptor_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max < (1 << 20) ? limit.rlim_max : (1 << 20);
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

void *map_zeroed(size_t length) {
  void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) fail("mmap", errno);
  return memory;
}

struct held *hold(struct held *held, const uint8_t *bytes, size_t length) {
  size_t needed = (held ? held->length : 0) + length;
  if (!held || held->capacity < needed) {
    size_t capacity = needed * 2;
    bool is_new = !held;
    held = realloc(held, sizeof *held + capacity);
    if (!held) fail("realloc", ENOMEM);
    if (is_new) held->length = held->sent = 0;
    held->capacity = capacity;
  }
  memcpy(held->bytes + held->length, bytes, length);
  held->length = needed;
  return held;
}

enum upgrade upgrade(int fd, struct held **request, const uint8_t *bytes, size_t length) {
  *request = hold(*request, bytes, length);
  const char *head = (const char *)(*request)->bytes;
  size_t request_length = (*request)->length;
  size_t head_end = head_length(head, request_length);
  if (head_end == 0)
    return request_length < LONGEST_REQUEST ? UPGRADE_INCOMPLETE : UPGRADE_REFUSED;
  size_t key_length;
  const char *key = field_value(head, head_end, "Sec-WebSocket-Key", &key_length);
  // Bytes behind the head would be frames sent before the answer: no client of ours does that.
  if (!key || head_end != request_length) return UPGRADE_REFUSED;

  char accept[ACCEPT_LENGTH], answer[256];
  accept_value(key, key_length, accept);
  int answer_length = snprintf(answer, sizeof answer,
                               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
                               ACCEPT_LENGTH, accept);
  free(*request);
  *request = NULL;
  counters.system_calls++;
  bool is_sent = send(fd, answer, answer_length, MSG_DONTWAIT | MSG_NOSIGNAL) == answer_length;
  return is_sent ? UPGRADE_DONE : UPGRADE_REFUSED;
}
