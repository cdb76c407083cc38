#include "report/histogram.h"

#include <math.h>
#include <string.h>

static unsigned shift_of(unsigned bucket) {
  return bucket < 2 * HALF_COUNT ? 0 : bucket / HALF_COUNT - 1;
}

uint64_t bucket_first(unsigned bucket) {
  unsigned shift = shift_of(bucket);
  return (uint64_t)(bucket - shift * HALF_COUNT) << shift;
}

uint64_t bucket_last(unsigned bucket) {
  return bucket_first(bucket) + (1ULL << shift_of(bucket)) - 1;
}

void forget(struct histogram *histogram) {
  memset(histogram, 0, sizeof *histogram);
}

void add(struct histogram *to, const struct histogram *from) {
  for (unsigned i = 0; i < BUCKET_COUNT; i++) to->counts[i] += from->counts[i];
  to->total += from->total;
  if (from->max > to->max) to->max = from->max;
}

uint64_t percentile(const struct histogram *histogram, double percent) {
  // The nearest rank. The subtrahend keeps 99.9 % of 1,000 from being 999.0000000000001.
  uint64_t rank = (uint64_t)ceil(percent / 100 * (double)histogram->total - 1e-7);
  if (rank == 0) rank = 1;
  uint64_t seen = 0;
  for (unsigned i = 0; i < BUCKET_COUNT; i++) {
    seen += histogram->counts[i];
    if (seen >= rank) return bucket_last(i) < histogram->max ? bucket_last(i) : histogram->max;
  }
  return histogram->max;
}

uint64_t least(const struct histogram *histogram) {
  for (unsigned i = 0; i < BUCKET_COUNT; i++)
    if (histogram->counts[i] > 0) return bucket_first(i);
  return 0;
}

double mean(const struct histogram *histogram) {
  double sum = 0;
  for (unsigned i = 0; i < BUCKET_COUNT; i++)
    if (histogram->counts[i] > 0)
      sum += (double)histogram->counts[i] * ((double)bucket_first(i) + (double)bucket_last(i)) / 2;
  return histogram->total > 0 ? sum / (double)histogram->total : 0;
}

uint64_t count_between(const struct histogram *histogram, uint64_t first, uint64_t last) {
  uint64_t count = 0;
  for (unsigned i = bucket_of(first); i < BUCKET_COUNT && bucket_first(i) <= last; i++)
    count += histogram->counts[i];
  return count;
}
