// glibc first: liburing.h defines _XOPEN_SOURCE, which would give this module another `fd_set`
// than Swift's Glibc module has, and the two then clash.
#ifndef MARTLET_CURING_H
#define MARTLET_CURING_H
#include <sys/types.h>

#include <liburing.h>

#endif
