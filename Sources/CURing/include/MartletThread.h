// What Swift cannot import of threads: thread-local variables, and GNU extensions.
#ifndef MARTLET_THREAD_H
#define MARTLET_THREAD_H
#include <stddef.h>
#include <stdint.h>

/// What the calling thread runs. Objects are not retained; on other threads all is zero.
struct martlet_thread {
  uint32_t reactor_number;
  void *loop;
  void *handler;
  /// Set as long as something else takes the kernel's place for the thread: sockets, clock, randomness.
  void *kernel_substitute;
};

extern __thread struct martlet_thread martlet_thread;

static inline uint32_t martlet_thread_reactor_number(void) {
  return martlet_thread.reactor_number;
}
static inline void *martlet_thread_loop(void) { return martlet_thread.loop; }
static inline void *martlet_thread_handler(void) { return martlet_thread.handler; }
static inline void *martlet_thread_kernel_substitute(void) {
  return martlet_thread.kernel_substitute;
}
static inline void martlet_thread_set_kernel_substitute(void *substitute) {
  martlet_thread.kernel_substitute = substitute;
}
static inline void martlet_thread_set(uint32_t reactor_number, void *loop, void *handler) {
  martlet_thread.reactor_number = reactor_number;
  martlet_thread.loop = loop;
  martlet_thread.handler = handler;
}

#endif
