#!/usr/bin/env python3
"""Plants the mistakes of Simulation/Mistakes: changes of the code that a test or the simulation must notice.

usage: scripts/lib/mistakes.py check            whether each of them fits the code
       scripts/lib/mistakes.py plant NAME TREE  makes the change in a copy of the code
       scripts/lib/mistakes.py found-by NAME    what must find it: `simulation`, `plans`, or `test FILTER`

A file NAME.mistake says what must find it, if that is not the simulation, and then what is changed where:

    found by: test PausingTests
    in Sources/WebSocket/Engine/Engine+KeepAlive.swift, pauseReceiving
    old:
        reactor.pauseReceiving(on: connection)
    new:
        reactor.pauseReceiving(on: connection)
        reactor.resumeReceiving(on: connection)

The change is made in the function, initializer, property or type with that name, where the old lines stand exactly once.
How far they are indented does not count. A file that has moved is found by its name. Properties are known by a line that
ends with their brace; a requirement of a protocol reaches to the protocol's end.
"""

import re
import sys
from pathlib import Path

FOLDER = Path("Simulation/Mistakes")
# Of properties, those that have a body.
DECLARATION = re.compile(
    r"\b(?:func|struct|class|enum|protocol|extension|var(?=.*\{$))\s+`?(?P<name>[\w.]+|[^\w\s(]+)"
    r"|^\s*(?:[\w@()]+\s+)*(?P<init>init|subscript|deinit)\b")


class Unfit(Exception):
    """A mistake does not fit the code."""


class Change:
    def __init__(self, path, name):
        self.path, self.name = path, name
        self.old, self.new = [], None


def read(path):
    """What must find a mistake, and its changes."""
    found_by, changes, lines = "simulation", [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if number == 1 and line.startswith("found by: "):
            found_by = line.removeprefix("found by: ")
        elif match := re.fullmatch(r"in (\S+), (\S+)", line):
            changes.append(Change(match[1], match[2]))
            lines = None
        elif line in ("old:", "new:") and changes:
            if line == "new:":
                changes[-1].new = []
            lines = changes[-1].old if line == "old:" else changes[-1].new
        elif lines is not None and line.strip():
            lines.append(line)
        elif line.strip():
            raise Unfit(f"{path}:{number}: what is this?")
    if not changes or any(not change.old or change.new is None for change in changes):
        raise Unfit(f"{path}: it changes nothing")
    if not re.fullmatch(r"simulation|plans|test \S+", found_by):
        raise Unfit(f"{path}: what is to find it by {found_by}?")
    return found_by, changes


def place(tree, path):
    """The file, wherever it lies now."""
    if (tree / path).is_file():
        return tree / path
    found = sorted((tree / "Sources").rglob(Path(path).name))
    if len(found) != 1:
        raise Unfit(f"there are {len(found)} files called {Path(path).name}")
    return found[0]


def indentation(line):
    return len(line) - len(line.lstrip())


def spans(lines, name):
    """From which line to which the declarations of a name go."""
    for start, line in enumerate(lines):
        match = DECLARATION.search(line.split("//")[0])
        if not match or name != (match["name"] or match["init"]):
            continue
        end = start
        if not (line.rstrip().endswith("}") and "{" in line):
            for end in range(start + 1, len(lines)):
                if lines[end].strip() and indentation(lines[end]) <= indentation(line) and lines[end].strip()[0] == "}":
                    break
        yield start, end + 1


def occurrences(lines, old, start, end):
    wanted = [line.strip() for line in old]
    for first in range(start, end - len(old) + 1):
        if [line.strip() for line in lines[first:first + len(old)]] == wanted:
            yield first


def make(change, tree, texts):
    """Puts the text of the file with the change into `texts`, which has those that earlier changes have made."""
    path = place(tree, change.path)
    lines = texts.get(path, path.read_text()).splitlines()
    found = sorted({first for start, end in spans(lines, change.name)
                    for first in occurrences(lines, change.old, start, end)})
    if len(found) != 1:
        raise Unfit(f"{path}: the old lines stand {len(found)} times in {change.name}")
    first = found[0]
    shift = indentation(lines[first]) - indentation(change.old[0])
    new = [" " * max(0, indentation(line) + shift) + line.lstrip() for line in change.new]
    lines[first:first + len(change.old)] = new
    texts[path] = "\n".join(lines) + "\n"


def made(path, tree):
    """The files that a mistake changes, with their texts then."""
    texts = {}
    for change in read(path)[1]:
        make(change, tree, texts)
    return texts


def plant(name, tree):
    for path, text in made(FOLDER / f"{name}.mistake", tree).items():
        path.write_text(text)


def check():
    mistakes = sorted(FOLDER.glob("*.mistake"))
    if not mistakes:
        raise Unfit(f"there is none in {FOLDER}")
    unfit = 0
    for path in mistakes:
        try:
            made(path, Path("."))
        except Unfit as error:
            print(f"{path.stem}: {error}", file=sys.stderr)
            unfit += 1
    return 1 if unfit else 0


def main(arguments):
    try:
        match arguments:
            case ["check"]:
                return check()
            case ["plant", name, tree]:
                plant(name, Path(tree))
            case ["found-by", name]:
                print(read(FOLDER / f"{name}.mistake")[0])
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (Unfit, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
