// Whom to connect to, and from where.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_COUNT_MAX = 8 };

struct address {
  struct sockaddr_storage bytes;
  socklen_t length;
};

struct target {
  char *authority, *path;  // for the request
  struct address addresses[ADDRESS_COUNT_MAX];
  unsigned address_count;
  atomic_uint current;         // of the addresses: the first that answers is kept
  atomic_bool has_answered;
  struct address source_first;  // of length 0: the kernel chooses
  uint64_t source_count;
};

/// `url` is ws://host[:port][/path] or ws+unix:socket[:/path]; `sources` is one IP address, two
/// with a `-` between them, or NULL. Looks the name up. Ends the program if that fails.
void find_target(struct target *target, const char *url, const char *sources);

/// The address that connection `index` binds to before it connects to `to`. False: to none.
bool source_address(const struct target *target, const struct address *to, uint64_t index,
                    struct address *source);
