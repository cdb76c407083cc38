// A file without a name that lies in memory, mapped in pieces whose pages sockets can be sent without a copy.
#ifndef MARTLET_MEMORY_FILE_H
#define MARTLET_MEMORY_FILE_H
#include <stddef.h>
#include <stdint.h>

/// memfd_create(2), of so many bytes, none of which takes memory yet. -1: errno.
int martlet_memory_file_open(const char *name, int64_t byte_count);

/// Maps pages of the file, writable, zeroed and present: no access to them fails later. They are small pages (see
/// `LogFile`), and not there in a forked process. Linux 5.14. NULL: errno.
void *martlet_memory_file_map(int file, int64_t offset, size_t byte_count);

/// Unmaps pages, and takes them out of the file. Those that a socket still refers to live on until it does no longer. -1: they
/// are unmapped, but still in the file, since the system or a sandbox refuses to take them out; errno.
int martlet_memory_file_unmap(int file, void *address, int64_t offset, size_t byte_count);

/// sendfile(2): moves `*offset` behind what was sent. The calling thread must have SIGPIPE blocked. -1: errno.
ptrdiff_t martlet_memory_file_send(int file, int64_t *offset, size_t byte_count, int socket);

#endif
