#define _GNU_SOURCE
#include "client/target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "client/process.h"

enum {
  // One address has about 28,000 ports, of which some rest from their last connection.
  CONNECTIONS_PER_LOOPBACK_ADDRESS = 8000,
  LOOPBACK_ADDRESS_COUNT = 250,
};

static void find_unix(struct target *target, const char *rest) {
  const char *path = strstr(rest, ":/");
  size_t length = path ? (size_t)(path - rest) : strlen(rest);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (length == 0 || length >= sizeof address.sun_path)
    give_up(MISUSED, "no path of a socket: %s", rest);
  memcpy(address.sun_path, rest, length);
  memcpy(&target->addresses[0].bytes, &address, sizeof address);
  target->addresses[0].length = sizeof address;
  target->address_count = 1;
  target->authority = strdup("localhost");
  target->path = strdup(path ? path + 1 : "/");
}

static void look_up(struct target *target, const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
  int error = getaddrinfo(host, port, &hints, &found);
  if (error) give_up(NOT_CONNECTED, "%s: %s", host, gai_strerror(error));
  for (struct addrinfo *a = found; a && target->address_count < ADDRESS_COUNT_MAX; a = a->ai_next) {
    struct address *address = &target->addresses[target->address_count++];
    memcpy(&address->bytes, a->ai_addr, a->ai_addrlen);
    address->length = a->ai_addrlen;
  }
  freeaddrinfo(found);
}

static void find_host(struct target *target, const char *rest) {
  size_t length = strcspn(rest, "/?#");
  target->path = strdup(rest[length] == '/' ? rest + length : "/");
  target->path[strcspn(target->path, "#")] = 0;
  target->authority = strndup(rest, length);
  char *host = strdup(target->authority), *name = host, *port = NULL;
  if (*host == '[') {  // an IPv6 address
    char *end = strchr(host, ']');
    if (!end) give_up(MISUSED, "no `]` in %s", host);
    if (end[1] == ':') port = end + 2;
    *end = 0;
    name = host + 1;
  } else if ((port = strchr(host, ':'))) {
    *port++ = 0;
  }
  if (!*name || strpbrk(target->path, " \r\n") || strpbrk(host, " \r\n"))
    give_up(MISUSED, "no host, or blanks in the target");
  look_up(target, name, port ? port : "80");
}

static struct address parse_address(const char *text, size_t length) {
  char copy[INET6_ADDRSTRLEN] = {0};
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
  struct address address = {0};
  if (length < sizeof copy) memcpy(copy, text, length);
  if (inet_pton(AF_INET, copy, &v4.sin_addr) == 1) {
    memcpy(&address.bytes, &v4, address.length = sizeof v4);
  } else if (inet_pton(AF_INET6, copy, &v6.sin6_addr) == 1) {
    memcpy(&address.bytes, &v6, address.length = sizeof v6);
  } else {
    give_up(MISUSED, "no IP address: %.*s", (int)length, text);
  }
  return address;
}

/// The last four bytes as a number: what is counted up from one source address to the next.
static uint32_t tail(const struct address *address) {
  uint32_t bytes;
  if (address->bytes.ss_family == AF_INET)
    memcpy(&bytes, &((const struct sockaddr_in *)&address->bytes)->sin_addr, 4);
  else
    memcpy(&bytes, ((const struct sockaddr_in6 *)&address->bytes)->sin6_addr.s6_addr + 12, 4);
  return ntohl(bytes);
}

static void set_tail(struct address *address, uint32_t value) {
  uint32_t bytes = htonl(value);
  if (address->bytes.ss_family == AF_INET)
    memcpy(&((struct sockaddr_in *)&address->bytes)->sin_addr, &bytes, 4);
  else
    memcpy(((struct sockaddr_in6 *)&address->bytes)->sin6_addr.s6_addr + 12, &bytes, 4);
}

static void take_sources(struct target *target, const char *sources) {
  size_t length = strcspn(sources, "-");
  struct address last = parse_address(sources, length);
  target->source_first = last;
  if (sources[length]) last = parse_address(sources + length + 1, strlen(sources + length + 1));
  if (last.bytes.ss_family != target->source_first.bytes.ss_family ||
      tail(&last) < tail(&target->source_first))
    give_up(MISUSED, "--source-addresses: from the lower address to the higher one of a kind");
  target->source_count = (uint64_t)tail(&last) - tail(&target->source_first) + 1;
}

void find_target(struct target *target, const char *url, const char *sources) {
  if (strncasecmp(url, "ws+unix:", 8) == 0) {
    find_unix(target, strncmp(url + 8, "//", 2) == 0 ? url + 10 : url + 8);
  } else if (strncasecmp(url, "ws://", 5) == 0) {
    find_host(target, url + 5);
  } else {
    give_up(MISUSED, "a target begins with ws:// or ws+unix:, not as `%s`", url);
  }
  if (sources) take_sources(target, sources);
}

bool source_address(const struct target *target, const struct address *to, uint64_t index,
                    struct address *source) {
  if (target->source_count > 0) {
    *source = target->source_first;
    set_tail(source, tail(source) + (uint32_t)(index % target->source_count));
    return true;
  }
  // Loopback has many addresses, so nobody has to ask for them.
  if (to->bytes.ss_family != AF_INET || tail(to) >> 24 != 127) return false;
  *source = parse_address("127.0.0.1", 9);
  uint64_t block = index / CONNECTIONS_PER_LOOPBACK_ADDRESS;
  set_tail(source, tail(source) + (uint32_t)(block % LOOPBACK_ADDRESS_COUNT));
  return true;
}
