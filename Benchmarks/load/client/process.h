// What a load generator is as a process: its clocks, its descriptors, its ends.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What the exit status says. 0: everything was as it must be.
enum exit_status {
  FAILED = 1,           // of its own: no memory, no descriptors, no file
  MISUSED = 2,          // unknown options, or ones that contradict each other
  NOT_CONNECTED = 3,    // no address, or nobody listens
  NOT_UPGRADED = 4,     // the opening handshake was refused, wrong, or not answered in time
  PROTOCOL_ERROR = 5,   // what came is no WebSocket, or no closing handshake came
  WRONG_MESSAGE = 6,    // an echo or a delivery that differs from what it must be
  CONNECTION_LOST = 7,  // ended by the server
  SILENCE = 8,          // messages are due, and nothing comes
};

double monotonic_seconds(void);
uint64_t monotonic_nanoseconds(void);

/// CPU time of the calling thread.
uint64_t thread_cpu_nanoseconds(void);

/// Lets an interrupt (^C) end the run early, with its report. A second one ends the program.
void heed_interrupts(void);

/// Whether there was one. Any thread.
bool is_interrupted(void);

/// As many open files as the hard limit allows. Ends the program if they do not suffice.
void raise_descriptor_limit(unsigned connections);

/// `count` elements of zeros. Ends the program if there is no memory.
void *zeroed(uint64_t count, uint64_t size);

/// Replaces what is not printable ASCII: what comes from a server is not for the terminal to obey.
void make_harmless(char *text, size_t length);

/// Ends the program with a line on stderr. Any thread; the first one is heard.
_Noreturn __attribute__((format(printf, 2, 3))) void give_up(enum exit_status status,
                                                             const char *format, ...);
