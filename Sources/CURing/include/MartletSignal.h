// What a signal handler must be written in.
#ifndef MARTLET_SIGNAL_H
#define MARTLET_SIGNAL_H
#include <stdbool.h>

/// Names the eventfd that watched signals add 1 to, and makes the calling process the one that is
/// watched for. Before the first `martlet_signal_watch`; the eventfd must never be closed.
void martlet_signal_prepare(int eventfd);

/// From now on the signal is ours. SIGINT stays ignored if it is: a shell ignores it for a job in the
/// background.
void martlet_signal_watch(int signal);

/// Gives the signal the effect back that it had before, unless the program has given it another one
/// since.
void martlet_signal_unwatch(int signal);

/// The next signal of this kind is told to the eventfd.
void martlet_signal_arm(int signal);

/// The next signal of this kind ends the process by its default action, unless it comes within a fifth
/// of a second of the one that was told: a terminal and whoever passes signals on both send one.
void martlet_signal_disarm(int signal);

/// Whether the signal has come since this was last asked.
bool martlet_signal_take(int signal);

/// Has the calling thread receive the signal.
void martlet_signal_unblock(int signal);

#endif
