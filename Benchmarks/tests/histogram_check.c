// Reads nanoseconds from stdin, a number a line; prints count, max, and the percentiles of the report.
#include <inttypes.h>
#include <stdio.h>

#include "report/histogram.h"

int main(void) {
  static struct histogram histogram;
  static const double marks[] = {50, 90, 99, 99.9, 99.99, 100};
  for (uint64_t value; scanf("%" SCNu64, &value) == 1;) record(&histogram, value, 1);
  printf("%" PRIu64 " %" PRIu64 " %" PRIu64, histogram.total, histogram.max, least(&histogram));
  for (unsigned i = 0; i < sizeof marks / sizeof marks[0]; i++)
    printf(" %" PRIu64, percentile(&histogram, marks[i]));
  for (unsigned i = 0; i + 1 < BUCKET_COUNT; i++)
    if (bucket_of(bucket_first(i)) != i || bucket_of(bucket_last(i)) != i ||
        bucket_last(i) + 1 != bucket_first(i + 1))
      return 1;
  return 0;
}
