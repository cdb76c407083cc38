#include "MartletSignal.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static volatile int watched_eventfd = -1;
static struct sigaction former_actions[NSIG];

static void write_to_eventfd(int signal) {
  (void)signal;
  int error = errno;
  uint64_t one = 1;
  (void)!write(watched_eventfd, &one, sizeof one);
  errno = error;
}

void martlet_signal_watch(int signal, int eventfd) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = write_to_eventfd;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  watched_eventfd = eventfd;
  sigaction(signal, &action, &former_actions[signal]);
}

void martlet_signal_unwatch(int signal) { sigaction(signal, &former_actions[signal], NULL); }
