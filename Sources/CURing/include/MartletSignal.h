// What a signal handler must be written in.
#ifndef MARTLET_SIGNAL_H
#define MARTLET_SIGNAL_H

/// From now on the signal adds 1 to the eventfd. Async-signal-safe; one eventfd for all signals.
void martlet_signal_watch(int signal, int eventfd);

/// Gives the signal the effect back that it had before.
void martlet_signal_unwatch(int signal);

#endif
