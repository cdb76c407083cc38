"""Whether the figures of a soak are flat. Nothing here measures: series go in, and what is wrong with them comes out."""
import statistics

# Of memory at rest, from the mark to the end.
GROWTH_MAX = 0.02
# Of round trips, from the first third to the last. Half of them are over before anybody interrupts: that they take
# longer is our doing, or that of a machine that has become twice as busy. The slowest of a hundred have been interrupted
# by whatever else runs on the machine, and tell of us only when they are slower by far.
FACTORS = {"p50": 1.5, "p99": 5}
# Microseconds. To wait for a turn on a processor takes as long, whoever needs it.
SLACK = 1000
# Of the samples, the first are of a time when connections come back from their rest.
SETTLING = 0.1
# With fewer samples in a third, a median is an accident.
SAMPLES_MIN = 6


def grown(old, new):
    """Memory: whether there is more of it than may be."""
    return new > old * (1 + GROWTH_MAX)


def thirds(values):
    """The medians of the first and the last third, when what comes first is left out. None: too few to tell."""
    settled = values[round(len(values) * SETTLING):]
    count = len(settled) // 3
    if count < SAMPLES_MIN:
        return None
    return statistics.median(settled[:count]), statistics.median(settled[-count:])


def slower(name, first, last):
    """Round trips: whether the last third takes longer than may be."""
    return last > first * FACTORS[name] + SLACK


def round_trips(samples):
    """Lines to tell, and failures, of samples at an even load: each a dictionary with p50 and p99 in microseconds, which
    are 0 when nothing was answered."""
    lines, failures = [], []
    for name in FACTORS:
        medians = thirds([sample[name] for sample in samples if sample.get(name)])
        if medians is None:
            lines.append(f"round trips of echo, {name}: too few samples to judge")
            continue
        first, last = medians
        lines.append(f"round trips of echo, {name}: {first:.0f} µs in the first third, {last:.0f} µs in the last")
        if slower(name, first, last):
            failures.append(f"round trips became slower: {name} was {first:.0f} µs in the first third and {last:.0f} µs "
                            f"in the last, more than {FACTORS[name]} times")
    return lines, failures
