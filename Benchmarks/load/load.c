// load: WebSocket clients on one thread. See the usage below; results are one line of JSON.
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "process.h"

static const char usage[] =
    "load [echo] --port P [options]   closed loop: a new message for every echo\n"
    "load idle --port P [options]     open, echo one message each, print `ready`, hold; again for\n"
    "                                 every line on stdin, until it ends\n"
    "  --host A          IPv4 address (127.0.0.1)\n"
    "  --connections N   (1)\n"
    "  --size BYTES      of the payload (20), or --payload TEXT\n"
    "  --binary | --text (text)\n"
    "  --in-flight K     messages per connection without waiting for the echo (1)\n"
    "  --messages N      in all (100000), or --seconds S\n"
    "  --warmup N        messages before the measurement (0)\n"
    "  --gate            after the warm-up print `ready`, and go on after a line on stdin\n"
    "  --reset           end the connections by RST, not by FIN\n";

const char program_name[] = "load";

/// A single thread that is this busy is what limits the exchange, not the server.
static const double bound_share = 0.97;

struct arguments {
  const char *host, *payload;
  uint16_t port;
  int is_idle, is_binary, has_gate, ends_by_reset;
  unsigned connections, in_flight;
  size_t size;
  uint64_t messages, warmup;
  double seconds;
};

static struct arguments parse(int argc, char **argv) {
  static const struct option names[] = {
      {"host", required_argument, NULL, 'h'},     {"port", required_argument, NULL, 'p'},
      {"connections", required_argument, NULL, 'c'}, {"size", required_argument, NULL, 's'},
      {"payload", required_argument, NULL, 'l'},  {"binary", no_argument, NULL, 'b'},
      {"text", no_argument, NULL, 't'},           {"in-flight", required_argument, NULL, 'k'},
      {"messages", required_argument, NULL, 'n'}, {"seconds", required_argument, NULL, 'd'},
      {"warmup", required_argument, NULL, 'w'},   {"gate", no_argument, NULL, 'g'},
      {"reset", no_argument, NULL, 'r'},
      {NULL, 0, NULL, 0},
  };
  struct arguments a = {.host = "127.0.0.1", .connections = 1, .in_flight = 1, .size = 20,
                        .messages = 100000};
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (option) {
      case 'h': a.host = optarg; break;
      case 'p': a.port = (uint16_t)atoi(optarg); break;
      case 'c': a.connections = (unsigned)atoi(optarg); break;
      case 's': a.size = strtoull(optarg, NULL, 10); break;
      case 'l': a.payload = optarg; break;
      case 'b': a.is_binary = 1; break;
      case 't': a.is_binary = 0; break;
      case 'k': a.in_flight = (unsigned)atoi(optarg); break;
      case 'n': a.messages = strtoull(optarg, NULL, 10); break;
      case 'd': a.seconds = atof(optarg); break;
      case 'w': a.warmup = strtoull(optarg, NULL, 10); break;
      case 'g': a.has_gate = 1; break;
      case 'r': a.ends_by_reset = 1; break;
      default: fputs(usage, stderr), exit(2);
    }
  }
  if (optind < argc) a.is_idle = strcmp(argv[optind], "idle") == 0;
  if (a.port == 0 || a.connections == 0 || a.in_flight == 0 || argc > optind + 1)
    fputs(usage, stderr), exit(2);
  return a;
}

static void run_idle(struct clients *clients) {
  for (int next = '\n'; next != EOF; next = getchar()) {
    if (next != '\n') continue;
    run_phase(clients, clients->count, 0);
    say_ready();
  }
}

static void run_echo(struct clients *clients, const struct arguments *a) {
  if (a->warmup > 0) run_phase(clients, a->warmup, 0);
  if (a->has_gate) {
    say_ready();
    while (getchar() != '\n') {
      if (feof(stdin)) return;
    }
  }
  double began = monotonic_seconds(), cpu_began = cpu_seconds();
  run_phase(clients, a->messages, a->seconds);
  double seconds = monotonic_seconds() - began, cpu = cpu_seconds() - cpu_began;
  double share = cpu / seconds;
  printf("{\"connections\": %u, \"in_flight\": %u, \"payload_bytes\": %zu, \"messages\": %" PRIu64
         ", \"seconds\": %.6f, \"messages_per_second\": %.0f, \"cpu_seconds\": %.6f,"
         " \"cpu_share\": %.3f, \"is_load_bound\": %s}\n",
         clients->count, clients->in_flight, a->payload ? strlen(a->payload) : a->size,
         clients->completed, seconds, (double)clients->completed / seconds, cpu, share,
         share >= bound_share ? "true" : "false");
  fflush(stdout);
  if (a->has_gate) {  // the connections stay until the reader has looked at the server
    while (getchar() != EOF) continue;
  }
}

int main(int argc, char **argv) {
  struct arguments a = parse(argc, argv);
  raise_descriptor_limit(a.connections);
  struct clients clients = {
      .count = a.connections,
      .in_flight = a.is_idle ? 1 : a.in_flight,
      .stream = make_stream(a.payload, a.size, a.is_binary, a.in_flight),
  };
  open_clients(&clients, a.host, a.port);
  if (a.is_idle) {
    run_idle(&clients);
  } else {
    run_echo(&clients, &a);
  }
  if (a.ends_by_reset) reset_clients(&clients);
  return 0;
}
