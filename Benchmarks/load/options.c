#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/process.h"
#include "client/stream.h"
#include "modes/deliveries.h"

enum kind { FLAG, TEXT, UNSIGNED, COUNT, NUMBER, SECONDS, BINARY, STALLED, WARMUP, HEADER, CPUS,
            ENDING };

enum {
  TALKING = MODE_ECHO | MODE_RATE,
  MEASURING = TALKING | MODE_FANOUT,
  HOLDING = MEASURING | MODE_IDLE,
  ALL = HOLDING | MODE_CONNECT,
};

static const uint64_t message_bytes_max = 4ULL << 30;

#define AT(field) offsetof(struct options, field)

static const struct rule {
  const char *name;
  enum kind kind;
  size_t offset;
  unsigned modes;
  const char *argument, *meaning;
} rules[] = {
    {"connections", UNSIGNED, AT(connections), HOLDING, "N", "how many (1)"},
    {"size", COUNT, AT(size), HOLDING, "BYTES", "of each payload (20; fanout: 64)"},
    {"payload", TEXT, AT(payload), TALKING | MODE_IDLE, "TEXT", "of every message, instead"},
    {"binary", BINARY, 1, TALKING | MODE_IDLE, "", "binary messages"},
    {"text", BINARY, 0, TALKING | MODE_IDLE, "", "text messages (the default)"},
    {"in-flight", UNSIGNED, AT(in_flight), MODE_ECHO, "K", "messages without their echo (1)"},
    {"rate", NUMBER, AT(rate), MODE_RATE, "R", "messages per second and connection (1)"},
    {"tick", SECONDS, AT(tick), MODE_RATE, "TIME",
     "what is due within it leaves each connection together (0)"},
    {"stalled", STALLED, 0, MEASURING, "N|P%", "connections that never read (0; stall: 1%)"},
    {"passive", FLAG, AT(is_passive), MODE_FANOUT, "", "count what any server sends"},
    {"greet", TEXT, AT(greeting), MODE_FANOUT, "TEXT",
     "sent on each connection when a run begins (passive)"},
    {"keep", FLAG, AT(keeps), MODE_CONNECT, "", "keep what is connected until the end"},
    {"echo", FLAG, AT(touches), MODE_IDLE, "", "a message on each, at first and for each line on stdin"},
    {"parallel", UNSIGNED, AT(parallel), ALL, "P", "opening handshakes at once (100)"},
    {"messages", COUNT, AT(messages), ALL, "N",
     "in all; fanout: published; connect: handshakes"},
    {"duration", SECONDS, AT(duration), ALL, "TIME", "instead: 10, 10s, 500ms, 2m (10s)"},
    {"warmup", WARMUP, 0, TALKING, "N|TIME", "before it, not measured: 1000, or 2s (0)"},
    {"timeout", SECONDS, AT(timeout), ALL, "TIME", "that nothing may take longer than (10s)"},
    {"end", ENDING, 0, ALL, "close|fin|reset", "how connections end (close)"},
    {"header", HEADER, 0, ALL, "'NAME: VALUE'", "of the request; may be given again"},
    {"subprotocol", TEXT, AT(subprotocol), ALL, "NAME", "to ask for; the server must choose it"},
    {"source-addresses", TEXT, AT(source_addresses), ALL, "A[-B]", "to connect from, in turn"},
    {"threads", UNSIGNED, AT(threads), ALL, "T", "event loops (1)"},
    {"cpu", CPUS, 0, ALL, "LIST", "one for each event loop, such as 1 or 2,3"},
    {"seed", COUNT, AT(seed), ALL, "N", "of payloads and masks (0)"},
    {"gate", FLAG, AT(has_gate), ALL, "", "print `ready`; one run for each line on stdin"},
    {"json", FLAG, AT(is_json), ALL, "", "one object on stdout for each run"},
    {"svg", TEXT, AT(svg), ALL, "FILE", "the picture of the latencies as SVG"},
    {"quiet", FLAG, AT(is_quiet), ALL, "", "no live line, no report but --json"},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

static const struct {
  const char *name;
  enum mode mode;
  const char *meaning;
} modes[] = {
    {"echo", MODE_ECHO, "closed loop: a new message for every echo"},
    {"rate", MODE_RATE, "open loop: at a fixed rate, latency from when it was due"},
    {"fanout", MODE_FANOUT, "what a server broadcasts"},
    {"connect", MODE_CONNECT, "opening handshakes per second"},
    {"idle", MODE_IDLE, "hold connections, for --duration or until stdin ends"},
};

const char *mode_name(enum mode mode) {
  for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++)
    if (modes[i].mode == mode) return modes[i].name;
  return "";
}

static _Noreturn void print_usage(void) {
  puts("martlet-load MODE ws://HOST[:PORT][/PATH] [options]\n"
       "martlet-load stall MODE ...     the same while some connections never read\n"
       "A target may also be ws+unix:SOCKET[:/PATH].\n\nModes");
  for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++)
    printf("  %-10s %s\n", modes[i].name, modes[i].meaning);
  puts("\nOptions");
  for (unsigned i = 0; i < RULE_COUNT; i++) {
    char option[64];
    snprintf(option, sizeof option, "--%s %s", rules[i].name, rules[i].argument);
    printf("  %-26s %s", option, rules[i].meaning);
    for (unsigned m = 0; rules[i].modes != ALL && m < sizeof modes / sizeof modes[0]; m++)
      if (rules[i].modes & modes[m].mode) printf(" [%s]", modes[m].name);
    putchar('\n');
  }
  puts("\nExit status: 0 all well, 1 failed here, 2 misused, 3 not connected, 4 not upgraded,\n"
       "5 protocol error, 6 wrong message, 7 connection lost, 8 silence.");
  exit(0);
}

static _Noreturn void refuse(const struct rule *rule, const char *value) {
  give_up(MISUSED, "--%s %s: not `%s`", rule->name, rule->argument, value);
}

static uint64_t whole(const struct rule *rule, const char *value, const char *unit, uint64_t max) {
  char *end;
  errno = 0;
  uint64_t number = strtoull(value, &end, 10);
  if (*value < '0' || *value > '9' || strcmp(end, unit) != 0 || errno || number > max)
    refuse(rule, value);
  return number;
}

static double decimal(const struct rule *rule, const char *value, const char **end) {
  char *stop;
  double number = strtod(value, &stop);
  if (*value < '0' || *value > '9' || !(number < 1e9)) refuse(rule, value);
  *end = stop;
  return number;
}

static double seconds(const struct rule *rule, const char *value) {
  const char *unit;
  double number = decimal(rule, value, &unit);
  if (strcmp(unit, "ms") == 0) return number / 1e3;
  if (strcmp(unit, "m") == 0) return number * 60;
  if (*unit && strcmp(unit, "s") != 0) refuse(rule, value);
  return number;
}

static void take_cpus(struct options *o, const struct rule *rule, const char *value) {
  for (const char *next = value; *next;) {
    char *end;
    unsigned long cpu = strtoul(next, &end, 10);
    if (end == next || cpu > 1023 || o->cpu_count == CPU_COUNT_MAX) refuse(rule, value);
    if (*end && (*end != ',' || !end[1])) refuse(rule, value);
    o->cpus[o->cpu_count++] = (unsigned)cpu;
    next = *end ? end + 1 : end;
  }
}

static void take_header(struct options *o, const struct rule *rule, const char *value) {
  if (!strchr(value, ':') || strpbrk(value, "\r\n") || o->header_count == HEADER_COUNT_MAX)
    refuse(rule, value);
  o->headers[o->header_count++] = value;
}

static void take(struct options *o, const struct rule *rule, const char *value,
                 const char **stalled) {
  void *at = (char *)o + rule->offset;
  const char *end = "";
  size_t length = strlen(value);
  switch (rule->kind) {
    case FLAG: *(bool *)at = true; break;
    case TEXT: *(const char **)at = value; break;
    case UNSIGNED: *(unsigned *)at = (unsigned)whole(rule, value, "", 10000000); break;
    case COUNT: *(uint64_t *)at = whole(rule, value, "", UINT64_MAX / 4); break;
    case NUMBER: *(double *)at = decimal(rule, value, &end); break;
    case SECONDS: *(double *)at = seconds(rule, value); break;
    case BINARY: o->is_binary = rule->offset; break;
    case STALLED: *stalled = value; break;
    case WARMUP:
      if (length > 0 && value[length - 1] >= '0' && value[length - 1] <= '9')
        o->warmup_messages = whole(rule, value, "", UINT64_MAX / 4);
      else
        o->warmup_seconds = seconds(rule, value);
      break;
    case HEADER: take_header(o, rule, value); break;
    case CPUS: take_cpus(o, rule, value); break;
    case ENDING:
      if (strcmp(value, "close") == 0) o->ending = END_BY_CLOSE;
      else if (strcmp(value, "fin") == 0) o->ending = END_BY_FIN;
      else if (strcmp(value, "reset") == 0) o->ending = END_BY_RESET;
      else refuse(rule, value);
  }
  if (*end) refuse(rule, value);
}

static const struct rule *rule_of(const struct options *o, const char *name, size_t length) {
  for (unsigned i = 0; i < RULE_COUNT; i++) {
    if (strlen(rules[i].name) != length || strncmp(rules[i].name, name, length) != 0) continue;
    if (!(rules[i].modes & o->mode))
      give_up(MISUSED, "--%s is not for `%s`", rules[i].name, mode_name(o->mode));
    return &rules[i];
  }
  give_up(MISUSED, "--%.*s is unknown; see --help", (int)length, name);
}

static void take_stalled(struct options *o, const char *value) {
  if (!value) return;
  struct rule rule = {.name = "stalled", .argument = "N|P%"};
  if (!strchr(value, '%')) {
    o->stalled = (unsigned)whole(&rule, value, "", 10000000);
  } else {
    const char *end;
    double share = decimal(&rule, value, &end) / 100;
    if (strcmp(end, "%") != 0 || share > 1) refuse(&rule, value);
    o->stalled = (unsigned)(share * o->connections);
    if (o->stalled == 0 && share > 0) o->stalled = 1;
  }
}

static void check(struct options *o) {
  if (!o->url) give_up(MISUSED, "no target; see --help");
  if (o->connections == 0 || o->in_flight == 0 || o->threads == 0 || o->parallel == 0)
    give_up(MISUSED, "--connections, --in-flight, --threads and --parallel are at least 1");
  if (o->in_flight > 65536 || o->threads > 1024 || o->size > 1 << 30)
    give_up(MISUSED, "--in-flight is at most 65536, --threads 1024, --size 1073741824");
  if ((2 * PERIOD + o->in_flight) * (o->size + 14) > message_bytes_max)
    give_up(MISUSED, "messages of --size, prepared for --in-flight, would take more than 4 GiB");
  if (o->connections <= o->stalled)
    give_up(MISUSED, "of %u connections %u are stalled: nobody is left to measure", o->connections,
            o->stalled);
  bool publishes = o->mode == MODE_FANOUT && !o->is_passive;
  if (publishes && (o->size < PAYLOAD_LENGTH_MIN || o->messages > UINT32_MAX))
    give_up(MISUSED, "fanout: --size is at least %u", PAYLOAD_LENGTH_MIN);
  if (publishes && (o->messages == 0 || o->duration > 0 || o->greeting))
    give_up(MISUSED, "fanout: --messages says how many; --duration and --greet are for --passive");
  if (o->mode == MODE_RATE && o->rate <= 0) give_up(MISUSED, "--rate is more than 0");
  if (o->keeps && o->messages == 0) give_up(MISUSED, "--keep needs --messages");
  if (o->keeps && o->has_gate) give_up(MISUSED, "--keep or --gate, not both");
  if (o->timeout <= 0) give_up(MISUSED, "--timeout is more than 0");
  if (o->messages > 0 && o->duration > 0) give_up(MISUSED, "--messages or --duration, not both");
  if (o->mode != MODE_IDLE && o->messages == 0 && o->duration == 0) o->duration = 10;
}

struct options parse_options(int argc, char **argv) {
  struct options o = {.connections = 1, .in_flight = 1, .threads = 1, .parallel = 100, .rate = 1,
                      .timeout = 10};
  const char *stalled = NULL;
  int next = 1;
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0) print_usage();
  if (next < argc && strcmp(argv[next], "stall") == 0) stalled = "1%", next++;
  for (unsigned i = 0; next < argc && i < sizeof modes / sizeof modes[0]; i++)
    if (strcmp(modes[i].name, argv[next]) == 0) o.mode = modes[i].mode;
  if (!o.mode && stalled) o.mode = MODE_ECHO, next--;
  if (!o.mode) give_up(MISUSED, "the first argument is a mode; see --help");
  if (stalled && !(o.mode & MEASURING))
    give_up(MISUSED, "stall is for echo, rate and fanout");
  o.size = o.mode == MODE_FANOUT ? 64 : 20;
  for (next++; next < argc; next++) {
    char *argument = argv[next];
    if (strncmp(argument, "--", 2) != 0) {
      if (o.url) give_up(MISUSED, "one target, not `%s` too", argument);
      o.url = argument;
      continue;
    }
    const char *equals = strchr(argument, '=');
    size_t length = equals ? (size_t)(equals - argument) - 2 : strlen(argument + 2);
    const struct rule *rule = rule_of(&o, argument + 2, length);
    bool has_value = *rule->argument;
    if (equals && !has_value) give_up(MISUSED, "--%s takes no value", rule->name);
    if (has_value && !equals && next + 1 == argc)
      give_up(MISUSED, "--%s needs a value", rule->name);
    take(&o, rule, !has_value ? "" : equals ? equals + 1 : argv[++next], &stalled);
  }
  take_stalled(&o, stalled);
  check(&o);
  return o;
}
