// A high dynamic range histogram: values up to 73 minutes of nanoseconds, each to three significant
// digits, in fixed memory. Its buckets are those of HdrHistogram (1 to 2^42 - 1, 3 digits): 2,048
// of width 1, then 1,024 of each power of two.
#pragma once

#include <stdint.h>

enum {
  HALF_BITS = 10,
  HALF_COUNT = 1 << HALF_BITS,
  VALUE_BITS = 42,
  BUCKET_COUNT = (VALUE_BITS - HALF_BITS + 1) * HALF_COUNT,
};

struct histogram {
  uint64_t total, max;  // the greatest value is kept as it is
  uint64_t counts[BUCKET_COUNT];
};

/// Where a value is counted.
static inline unsigned bucket_of(uint64_t value) {
  unsigned shift = 63 - __builtin_clzll(value | (2 * HALF_COUNT - 1)) - HALF_BITS;
  return shift * HALF_COUNT + (unsigned)(value >> shift);
}

static inline void record(struct histogram *histogram, uint64_t value, uint64_t count) {
  if (value >> VALUE_BITS) value = (1ULL << VALUE_BITS) - 1;
  histogram->counts[bucket_of(value)] += count;
  histogram->total += count;
  if (value > histogram->max) histogram->max = value;
}

/// The least and the greatest value that are counted in a bucket.
uint64_t bucket_first(unsigned bucket);
uint64_t bucket_last(unsigned bucket);

void forget(struct histogram *histogram);
void add(struct histogram *to, const struct histogram *from);

/// The value that `percent` of the values do not exceed; 0 if there are none.
uint64_t percentile(const struct histogram *histogram, double percent);

uint64_t least(const struct histogram *histogram);
double mean(const struct histogram *histogram);

/// How many values are in the buckets of `first` to `last`.
uint64_t count_between(const struct histogram *histogram, uint64_t first, uint64_t last);
