"""A picture of a soak's figures over time: three plots, one above the other, each with a scale of its own."""

WIDTH, HEIGHT, LEFT, TOP = 900, 180, 90, 30
COLOURS = ["#0b62a4", "#c05800", "#2c7a3f", "#7a2c6f"]


def draw(samples, backends, path):
    times = [row["seconds"] for row in samples]
    memory = {backend: [total(row, f"/{backend} bytes") / 1e6 for row in samples] for backend in backends}
    memory["load"] = [row["load bytes"] / 1e6 for row in samples]
    descriptors = {backend: [total(row, f"/{backend} descriptors") for row in samples] for backend in backends}
    delays = {name: [row.get(name, 0) / 1000 for row in samples] for name in ("p50", "p99")}
    plots = [("memory of the servers and the load (RssAnon), MB", memory), ("their descriptors", descriptors),
             ("round trips of echo, ms", delays)]
    body = "".join(plot(number, title, times, lines) for number, (title, lines) in enumerate(plots))
    height = len(plots) * (HEIGHT + 2 * TOP)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + LEFT + 20}" height="{height}" '
                    f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
                    f"{body}</svg>\n")


def total(row, end):
    return sum(value for name, value in row.items() if name.endswith(end))


def plot(number, title, times, lines):
    base = number * (HEIGHT + 2 * TOP) + TOP
    top = max([value for values in lines.values() for value in values] + [1e-9]) * 1.05
    last = max(times[-1], 1e-9)
    parts = [f'<text x="{LEFT}" y="{base - 8}" font-weight="bold">{title}</text>',
             f'<rect x="{LEFT}" y="{base}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>',
             f'<text x="{LEFT - 6}" y="{base + 10}" text-anchor="end">{top:.4g}</text>',
             f'<text x="{LEFT - 6}" y="{base + HEIGHT}" text-anchor="end">0</text>',
             f'<text x="{LEFT + WIDTH}" y="{base + HEIGHT + 14}" text-anchor="end">{last:.0f} s</text>']
    for index, (name, values) in enumerate(lines.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = " ".join(f"{LEFT + WIDTH * time / last:.1f},{base + HEIGHT * (1 - value / top):.1f}"
                          for time, value in zip(times, values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{LEFT + WIDTH - 8 - 90 * index}" y="{base - 8}" text-anchor="end" '
                     f'fill="{colour}">{name}</text>')
    return "".join(parts)
