"""Reads what llvm-cov exports (lcov) and tells which lines of Sources no test has reached.

    usage: coverage.py [--all] [--least TARGET=PERCENT]... FILE
"""
import argparse
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUNCTION = re.compile(r"\b(func\s+[^\s(<]+|init\b|deinit\b|subscript\b|var\s+\w+)")


def read(report):
    """By path below the repository: how often each line was reached."""
    files = collections.defaultdict(dict)
    lines = None
    for line in report.open():
        kind, _, rest = line.strip().partition(":")
        if kind == "SF":
            path = pathlib.Path(rest).resolve().relative_to(ROOT)
            lines = files[str(path)] if path.parts[0] == "Sources" else {}
        elif kind == "DA":
            number, count = rest.split(",")[:2]
            lines[int(number)] = max(lines.get(int(number), 0), int(count))
    return {path: lines for path, lines in files.items() if lines}


def sums(lines):
    return sum(count > 0 for count in lines.values()), len(lines)


def percent(reached, total):
    return 100 * reached / total if total else 100.0


def ranges(lines):
    """Lines that were not reached, those in a row together; lines without code do not part them."""
    missed = []
    previous_was_missed = False
    for number in sorted(lines):
        if lines[number] > 0:
            previous_was_missed = False
            continue
        if previous_was_missed:
            missed[-1][1] = number
        else:
            missed.append([number, number])
        previous_was_missed = True
    return missed


def function_at(text, number):
    """The declaration that a line belongs to, as far as indentation tells."""
    indent = len(text[number - 1]) - len(text[number - 1].lstrip())
    for index in range(number - 1, -1, -1):
        line = text[index]
        here = len(line) - len(line.lstrip())
        found = FUNCTION.search(line)
        if found and (here < indent or index == number - 1):
            return found.group(1)
    return ""


def tell_missed(path, lines, tells_all):
    missed = ranges(lines)
    if not missed:
        return
    text = (ROOT / path).read_text().splitlines()
    shown = missed if tells_all else missed[:12]
    print(f"\n{path}")
    for first, last in shown:
        place = str(first) if first == last else f"{first}-{last}"
        print(f"  {place:<9} {function_at(text, first):<28} {text[first - 1].strip()[:80]}")
    if len(missed) > len(shown):
        print(f"  and {len(missed) - len(shown)} more")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--least", action="append", default=[])
    parser.add_argument("file", type=pathlib.Path)
    arguments = parser.parse_args()

    files = read(arguments.file)
    if not files:
        sys.exit("coverage: the report names no file of Sources")
    targets = collections.defaultdict(lambda: [0, 0])
    rows = []
    for path in sorted(files):
        reached, total = sums(files[path])
        rows.append((path, reached, total))
        for name in ("Sources", path.split("/")[1]):
            targets[name][0] += reached
            targets[name][1] += total

    print("lines that no test reached:")
    for path in sorted(files):
        tell_missed(path, files[path], arguments.all)

    print(f"\n{'file':<64} {'lines':>6} {'reached':>8} {'%':>6}")
    whole = 0
    for path, reached, total in rows:
        if reached == total and not arguments.all:
            whole += 1
        else:
            print(f"{path:<64} {total:>6} {reached:>8} {percent(reached, total):>6.1f}")
    if whole:
        print(f"and {whole} files of which every line was reached")

    print()
    for name in sorted(targets, key=lambda name: (name == "Sources", name)):
        reached, total = targets[name]
        print(f"{name:<64} {total:>6} {reached:>8} {percent(reached, total):>6.1f}")

    failed = False
    for least in arguments.least:
        name, _, bound = least.partition("=")
        reached = percent(*targets.get(name, [0, 1]))
        if reached < float(bound):
            failed = True
            print(f"\nFAILED: {reached:.1f} % of {name}, at least {bound} % are asked for")
    sys.exit(1 if failed else 0)


main()
