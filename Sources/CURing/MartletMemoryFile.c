#define _GNU_SOURCE
#include "MartletMemoryFile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

// Newer than some headers (include/uapi/linux/memfd.h, include/uapi/asm-generic/mman-common.h).
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int martlet_memory_file_open(const char *name, int64_t byte_count) {
  int file = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  if (file < 0 && errno == EINVAL) file = memfd_create(name, MFD_CLOEXEC);  // before Linux 6.3
  if (file < 0) return -1;
  if (ftruncate(file, byte_count) == 0) {
    (void)fcntl(file, F_SETFL, O_NOATIME);  // else each send looks whether to note its time
    return file;
  }
  int code = errno;
  close(file);
  errno = code;
  return -1;
}

void *martlet_memory_file_map(int file, int64_t offset, size_t byte_count) {
  void *address = mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_SHARED, file, offset);
  if (address == MAP_FAILED) return NULL;
  // A kernel without huge pages does not know the first one.
  if ((madvise(address, byte_count, MADV_NOHUGEPAGE) == 0 || errno == EINVAL) &&
      madvise(address, byte_count, MADV_DONTFORK) == 0 &&
      madvise(address, byte_count, MADV_POPULATE_WRITE) == 0)
    return address;
  int code = errno;
  (void)martlet_memory_file_unmap(file, address, offset, byte_count);
  errno = code;
  return NULL;
}

int martlet_memory_file_unmap(int file, void *address, int64_t offset, size_t byte_count) {
  (void)munmap(address, byte_count);
  return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, (off_t)byte_count);
}

ptrdiff_t martlet_memory_file_send(int file, int64_t *offset, size_t byte_count, int socket) {
  off_t position = *offset;
  ssize_t count = sendfile(socket, file, &position, byte_count);
  *offset = position;
  return count;
}
