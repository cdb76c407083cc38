"""A series of measurements: which, in which order, and what failed in it."""

import sys
from statistics import median

from .processes import Failure


def chosen(all_of_them, names):
    if names is None:
        return all_of_them
    known = {item.name: item for item in all_of_them}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names]


def built(programs):
    """Those that there are; the others are named."""
    for program in programs:
        if not program.is_built:
            print(f"missing: {program.name} (not built: {program.command[0]})")
    return [program for program in programs if program.is_built]


def interleaved(programs, runs):
    """A B C, B C A, C A B: what disturbs the machine for a while disturbs all of them."""
    for run in range(runs):
        first = run % len(programs)
        for program in programs[first:] + programs[:first]:
            yield run, program


def ratio(ours, theirs, key="cpu_ns"):
    """The median of the ratios of runs that followed each other, since a shared machine is now faster,
    now slower; of the medians if a run has failed. None if either has not been measured."""
    if not ours or not theirs:
        return None
    if len(ours) != len(theirs):
        return median(run[key] for run in ours) / median(run[key] for run in theirs)
    return median(one[key] / other[key] for one, other in zip(ours, theirs))


class Attempts:
    """Measurements that may fail without ending the series."""

    def __init__(self):
        self.failures = []

    def attempt(self, program, what, measure):
        print(f"  {program.name}: {what}", file=sys.stderr, flush=True)
        try:
            return measure()
        except Failure as failure:
            self.failures.append(f"{program.name}, {what}: {failure}")
            return None
