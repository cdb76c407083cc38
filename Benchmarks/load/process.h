// What every load client is as a process: its clocks, its descriptors, its ends.
#pragma once

#include <stdint.h>

/// The name in front of what `give_up` says. Each program defines it.
extern const char program_name[];

double monotonic_seconds(void);
uint64_t monotonic_nanoseconds(void);

/// CPU time of this process.
double cpu_seconds(void);

/// As many open files as the hard limit allows. Ends the program if they do not suffice.
void raise_descriptor_limit(unsigned connections);

/// Tells whoever reads stdout that it may go on by a line on stdin.
void say_ready(void);

/// Ends the program with a line on stderr.
_Noreturn __attribute__((format(printf, 1, 2))) void give_up(const char *format, ...);
