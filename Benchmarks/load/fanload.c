// fanload: subscribers on one thread. See the usage below; results are one line of JSON.
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "subscribers.h"

const char program_name[] = "fanload";

/// A single thread that is this busy is what limits the exchange, not the server.
static const double bound_share = 0.95;

static const char usage[] =
    "fanload [fan] --port P [options]   open, print `ready`; for every line on stdin send `go` on one\n"
    "                                   connection, receive everything on all, print the result\n"
    "fanload idle --port P [options]    open, print `ready`, hold until stdin ends\n"
    "  --host A          IPv4 address (127.0.0.1)\n"
    "  --connections N   (1)\n"
    "  --stalled N       how many of them never read (0)\n"
    "  --messages M      that the server publishes (1)\n"
    "  --size BYTES      of each payload, at least 32 (64)\n";

struct arguments {
  const char *host;
  uint16_t port;
  bool is_idle;
  unsigned connections, stalled, messages;
  size_t size;
};

static struct arguments parse(int argc, char **argv) {
  static const struct option names[] = {
      {"host", required_argument, NULL, 'h'},     {"port", required_argument, NULL, 'p'},
      {"connections", required_argument, NULL, 'c'}, {"stalled", required_argument, NULL, 'l'},
      {"messages", required_argument, NULL, 'n'}, {"size", required_argument, NULL, 's'},
      {NULL, 0, NULL, 0},
  };
  struct arguments a = {.host = "127.0.0.1", .connections = 1, .messages = 1, .size = 64};
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (option) {
      case 'h': a.host = optarg; break;
      case 'p': a.port = (uint16_t)atoi(optarg); break;
      case 'c': a.connections = (unsigned)atoi(optarg); break;
      case 'l': a.stalled = (unsigned)atoi(optarg); break;
      case 'n': a.messages = (unsigned)atoi(optarg); break;
      case 's': a.size = strtoull(optarg, NULL, 10); break;
      default: fputs(usage, stderr), exit(2);
    }
  }
  if (optind < argc) a.is_idle = strcmp(argv[optind], "idle") == 0;
  if (a.port == 0 || a.connections <= a.stalled || a.messages == 0 ||
      a.size < PAYLOAD_LENGTH_MIN || argc > optind + 1)
    fputs(usage, stderr), exit(2);
  return a;
}

/// The value that `share` of the sorted values do not exceed.
static double percentile_microseconds(const uint64_t *sorted, unsigned count, double share) {
  unsigned rank = (unsigned)(share * count + 0.999999);
  return (double)sorted[rank > 0 ? rank - 1 : 0] / 1e3;
}

static void measure(struct subscribers *subscribers) {
  uint64_t began = monotonic_nanoseconds();
  double cpu_began = cpu_seconds();
  struct round round = run_round(subscribers);
  // Checking what came is done after the last arrival, and is little beside receiving it.
  double share = (cpu_seconds() - cpu_began) / ((double)(round.last_arrived - began) / 1e9);
  double seconds = (double)(round.last_arrived - round.first_published) / 1e9;
  unsigned count = subscribers->deliveries.message_count;
  printf("{\"connections\": %u, \"stalled\": %u, \"messages\": %u, \"payload_bytes\": %zu,"
         " \"deliveries\": %" PRIu64 ", \"publishing_seconds\": %.6f, \"seconds\": %.6f, \"deliveries_per_second\": %.0f,"
         " \"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}, \"reads\": %" PRIu64
         ", \"has_same_order\": %s, \"cpu_share\": %.3f, \"is_load_bound\": %s}\n",
         subscribers->count, subscribers->count - subscribers->reading, count,
         subscribers->deliveries.payload_length, round.deliveries,
         (double)(round.last_published - round.first_published) / 1e9, seconds,
         (double)round.deliveries / seconds, percentile_microseconds(round.latencies, count, 0.5),
         percentile_microseconds(round.latencies, count, 0.99),
         percentile_microseconds(round.latencies, count, 1), subscribers->reads,
         round.has_same_order ? "true" : "false", share, share > bound_share ? "true" : "false");
  fflush(stdout);
  free(round.latencies);
}

int main(int argc, char **argv) {
  struct arguments a = parse(argc, argv);
  raise_descriptor_limit(a.connections);
  struct subscribers subscribers = {
      .count = a.connections,
      .reading = a.connections - a.stalled,
      .deliveries = make_deliveries(a.connections - a.stalled, a.messages, a.size),
  };
  open_subscribers(&subscribers, a.host, a.port);
  say_ready();
  for (int next; (next = getchar()) != EOF;)
    if (next == '\n' && !a.is_idle) measure(&subscribers);
  return 0;
}
