#include "MartletSignal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Signals that come this soon after the one that was told are the same wish.
static const int64_t same_wish_nanoseconds = 200 * 1000 * 1000;

static _Atomic int event_descriptor = -1;
static _Atomic pid_t watching_process;
static _Atomic int64_t told_nanoseconds;
static _Atomic bool is_armed[NSIG];
static _Atomic bool has_come[NSIG];

// Touched by callers of watch and unwatch only, one at a time, and read in a forked child.
static bool is_watched[NSIG];
static struct sigaction former_actions[NSIG];

static int64_t now_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// Does not return.
static void end_process(int signal) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, NULL);
  raise(signal);
  martlet_signal_unblock(signal);
  // The first process of a PID namespace is not ended by default actions.
  _exit(128 + signal);
}

// A forked child that has not called exec has our handler, and nobody who watches. What reached the
// eventfd would stop its parent.
static void pass_on(int signal) {
  sigaction(signal, &former_actions[signal], NULL);
  raise(signal);  // which is blocked until the handler returns
}

static void received(int signal) {
  int error = errno;
  if (getpid() != atomic_load(&watching_process)) {
    pass_on(signal);
  } else if (atomic_exchange(&is_armed[signal], false)) {
    atomic_store(&told_nanoseconds, now_nanoseconds());
    atomic_store(&has_come[signal], true);
    uint64_t one = 1;
    (void)!write(atomic_load(&event_descriptor), &one, sizeof one);
  } else if (now_nanoseconds() - atomic_load(&told_nanoseconds) >= same_wish_nanoseconds) {
    end_process(signal);
  }
  errno = error;
}

void martlet_signal_prepare(int eventfd) {
  atomic_store(&event_descriptor, eventfd);
  atomic_store(&watching_process, getpid());
}

void martlet_signal_watch(int signal) {
  struct sigaction former;
  if (sigaction(signal, NULL, &former) < 0) return;
  if (former.sa_handler == received) return;  // another watch, or a forked child
  if (signal == SIGINT && former.sa_handler == SIG_IGN) return;
  former_actions[signal] = former;
  is_watched[signal] = true;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = received;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, NULL);
}

void martlet_signal_unwatch(int signal) {
  if (!is_watched[signal]) return;
  is_watched[signal] = false;
  struct sigaction now;
  if (sigaction(signal, NULL, &now) == 0 && now.sa_handler == received)
    sigaction(signal, &former_actions[signal], NULL);
}

void martlet_signal_arm(int signal) { atomic_store(&is_armed[signal], true); }

void martlet_signal_disarm(int signal) {
  if (atomic_exchange(&is_armed[signal], false)) atomic_store(&told_nanoseconds, now_nanoseconds());
}

bool martlet_signal_take(int signal) { return atomic_exchange(&has_come[signal], false); }

void martlet_signal_unblock(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
