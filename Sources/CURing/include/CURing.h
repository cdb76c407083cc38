// glibc first: liburing.h defines _XOPEN_SOURCE, which would give this module another `fd_set`
// than Swift's Glibc module has, and the two then clash.
#ifndef MARTLET_CURING_H
#define MARTLET_CURING_H
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <liburing.h>

#include "MartletSignal.h"
#include "MartletSystem.h"
#include "MartletRing.h"
#include "MartletThread.h"

#endif
