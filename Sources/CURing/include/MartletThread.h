// What Swift cannot import of threads: a thread-local variable.
#ifndef MARTLET_THREAD_H
#define MARTLET_THREAD_H
#include <stdint.h>

/// The reactor that the calling thread runs, as an unretained object pointer; NULL on other threads.
extern __thread void *martlet_current_reactor;

static inline void *martlet_current_reactor_get(void) { return martlet_current_reactor; }
static inline void martlet_current_reactor_set(void *reactor) { martlet_current_reactor = reactor; }

#endif
