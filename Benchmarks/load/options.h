// What the command line says.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mode {
  MODE_ECHO = 1,
  MODE_RATE = 2,
  MODE_FANOUT = 4,
  MODE_CONNECT = 8,
  MODE_IDLE = 16,
};

enum ending {
  END_BY_CLOSE,  // the closing handshake
  END_BY_FIN,
  END_BY_RESET,
};

enum { HEADER_COUNT_MAX = 32, CPU_COUNT_MAX = 256 };

struct options {
  enum mode mode;
  const char *url;

  const char *headers[HEADER_COUNT_MAX], *subprotocol, *source_addresses;
  unsigned header_count;

  unsigned connections, stalled, parallel, threads, in_flight;
  bool is_binary, is_passive, keeps, touches;
  const char *payload, *greeting;
  size_t size;
  double rate;  // messages per second and connection
  double tick;  // seconds
  uint64_t seed;

  uint64_t messages, warmup_messages;
  double duration, warmup_seconds, timeout;  // seconds; 0: none
  enum ending ending;

  bool has_gate, is_json, is_quiet;
  const char *svg;
  unsigned cpus[CPU_COUNT_MAX], cpu_count;
};

/// Ends the program when they make no sense, and for `--help`.
struct options parse_options(int argc, char **argv);

/// As the command line has it.
const char *mode_name(enum mode mode);
