#include <inttypes.h>

#include "report/outcome.h"
#include "report/picture.h"

static const struct {
  const char *label, *key;
  double percent;
} marks[] = {
    {"50 %", "p50", 50},       {"90 %", "p90", 90},          {"99 %", "p99", 99},
    {"99.9 %", "p99.9", 99.9}, {"99.99 %", "p99.99", 99.99}, {"max", "max", 100},
};
enum { MARK_COUNT = sizeof marks / sizeof marks[0] };

static const char *what_is_counted(const struct options *options) {
  if (options->mode == MODE_CONNECT) return "handshakes";
  if (options->mode == MODE_FANOUT) return options->is_passive ? "messages" : "deliveries";
  return "echoes";
}

static uint64_t payload_bytes(const struct outcome *o) {
  const struct options *options = &o->plan->options;
  if (options->mode == MODE_CONNECT) return 0;
  if (options->mode == MODE_FANOUT && options->is_passive) return o->bytes;
  return o->messages * (options->mode == MODE_FANOUT ? options->size
                                                     : o->plan->stream.payload_length);
}

static void print_warnings(const struct outcome *o) {
  const struct options *options = &o->plan->options;
  if (options->mode == MODE_RATE) {
    double offered = options->rate * (options->connections - options->stalled);
    printf("schedule   %.0f messages/s; %.3g %% left more than 1 ms late "
           "(p99 %.0f us, max %.0f us)\n", offered,
           o->issued > 0 ? 100.0 * (double)o->late / (double)o->issued : 0.0,
           (double)percentile(&o->lag, 99) / 1e3, (double)o->lag.max / 1e3);
    if (o->blocked > 0)
      printf("           %" PRIu64 " messages had to wait: the server did not read\n", o->blocked);
    if (o->messages_in_time < o->issued - o->issued / 100)
      printf("           the server fell behind: %" PRIu64 " of %" PRIu64
             " echoes came within the time\n", o->messages_in_time, o->issued);
  }
  if (options->stalled > 0)
    printf("stalled    %u never read; the server has ended %" PRIu64 " of them\n",
           options->stalled, o->stalled_ended);
  if (o->cpu_share >= 0.9)
    printf("WARNING    the load was the bottleneck: its busiest event loop used %.0f %% of a CPU; "
           "try --threads\n", 100 * o->cpu_share);
  if (!o->is_schedule_kept)
    puts("WARNING    the load did not keep its schedule: latencies are its own, at least partly");
}

void print_report(const struct outcome *o) {
  const struct options *options = &o->plan->options;
  printf("%s %s: %u connections, %u event loop%s\n", mode_name(options->mode), options->url,
         options->mode == MODE_CONNECT ? options->parallel : options->connections,
         options->threads, options->threads > 1 ? "s" : "");
  printf("%-10s %" PRIu64 " in %.3f s: %.0f/s, %.2f MB/s of payload\n", what_is_counted(options),
         o->messages, o->seconds, (double)o->messages / o->seconds,
         (double)payload_bytes(o) / o->seconds / 1e6);
  printf("load CPU   %.0f %% of the busiest event loop, %.3f us each\n", 100 * o->cpu_share,
         o->messages > 0 ? o->cpu_seconds / (double)o->messages * 1e6 : 0.0);
  print_warnings(o);
  if (o->latency.total == 0) return;
  printf("latency    mean %.1f us\n", mean(&o->latency) / 1e3);
  for (unsigned i = 0; i < MARK_COUNT; i++)
    printf("  %-8s %12.1f us\n", marks[i].label,
           (double)percentile(&o->latency, marks[i].percent) / 1e3);
  print_picture(&o->latency, stdout);
}

static void print_times(const char *key, const struct histogram *h, FILE *to) {
  fprintf(to, ", \"%s\": {\"count\": %" PRIu64 ", \"min\": %.3f, \"mean\": %.3f", key, h->total,
          (double)least(h) / 1e3, mean(h) / 1e3);
  for (unsigned i = 0; i < MARK_COUNT; i++)
    fprintf(to, ", \"%s\": %.3f", marks[i].key, (double)percentile(h, marks[i].percent) / 1e3);
  fputc('}', to);
}

static void print_escaped(const char *text, FILE *to) {
  fputc('"', to);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\' || (unsigned char)*text < 32)
      fprintf(to, "\\u%04x", (unsigned char)*text);
    else
      fputc(*text, to);
  }
  fputc('"', to);
}

static const char *boolean(bool value) {
  return value ? "true" : "false";
}

void print_json(const struct outcome *o, FILE *to) {
  const struct options *options = &o->plan->options;
  fprintf(to, "{\"mode\": \"%s\", \"target\": ", mode_name(options->mode));
  print_escaped(options->url, to);
  fprintf(to, ", \"connections\": %u, \"stalled\": %u, \"threads\": %u, \"in_flight\": %u"
          ", \"payload_bytes\": %zu, \"messages\": %" PRIu64 ", \"seconds\": %.6f"
          ", \"messages_per_second\": %.1f, \"bytes_per_second\": %.0f, \"reads\": %" PRIu64
          ", \"pings\": %" PRIu64 ", \"stalled_ended\": %" PRIu64,
          options->connections, options->stalled, options->threads, options->in_flight,
          options->mode == MODE_FANOUT ? options->size : o->plan->stream.payload_length,
          o->messages, o->seconds, (double)o->messages / o->seconds,
          (double)payload_bytes(o) / o->seconds, o->reads, o->pings, o->stalled_ended);
  if (options->mode == MODE_RATE) {
    fprintf(to, ", \"offered_per_second\": %.1f, \"sent\": %" PRIu64 ", \"in_time\": %" PRIu64
            ", \"late\": %" PRIu64 ", \"blocked\": %" PRIu64 ", \"is_schedule_kept\": %s",
            options->rate * (options->connections - options->stalled), o->issued,
            o->messages_in_time, o->late, o->blocked, boolean(o->is_schedule_kept));
    print_times("lag_us", &o->lag, to);
  }
  if (options->mode == MODE_FANOUT && !options->is_passive)
    fprintf(to, ", \"published\": %" PRIu64 ", \"publishing_seconds\": %.6f"
            ", \"has_same_order\": %s", options->messages, o->publishing_seconds,
            boolean(o->has_same_order));
  print_times("latency_us", &o->latency, to);
  fprintf(to, ", \"cpu_seconds\": %.6f, \"cpu_share\": %.3f, \"is_load_bound\": %s}\n",
          o->cpu_seconds, o->cpu_share, boolean(o->is_load_bound));
  fflush(to);
}
