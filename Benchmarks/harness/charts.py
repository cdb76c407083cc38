"""Charts as SVG, without a library: readable on light and on dark pages, and in a diff."""

from xml.sax.saxutils import escape

# Told apart by people who do not see all colours, on white and on black (Okabe and Ito).
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#999999", "#8A7A00"]
WIDTH, LABELS, RIGHT = 760, 190, 150
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:14px;font-weight:600}"
    ".grid{stroke:#888;stroke-opacity:.25}.spread{stroke:#333;stroke-width:1.2}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.spread{stroke:#ddd}}"
)


def _document(height, body):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img">\n<style>{STYLE}</style>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _text(x, y, text, anchor="start", kind=None):
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attribute}>{escape(text)}</text>'


def _number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _ticks(top):
    """Round numbers from 0 up to at least the top, four to eight of them."""
    step = 10.0 ** -9
    while True:
        for factor in (1, 2, 5):
            if top / (step * factor) <= 6:
                step *= factor
                count = int(top / step) + 1
                return [step * index for index in range(count + 1)]
        step *= 10


def bars(title, unit, groups):
    """Horizontal bars. `groups`: (label, [(series, value, low, high)]); one colour a series."""
    names = list(dict.fromkeys(series for _, bars in groups for series, *_ in bars))
    top = max(high for _, bars in groups for *_, high in bars)
    ticks = _ticks(top)
    scale = (WIDTH - LABELS - RIGHT) / ticks[-1]
    body = [_text(8, 20, f"{title} ({unit})", kind="title")]
    y, start = 36, 36
    rows = []
    for label, bars_of_group in groups:
        middle = y + 7 * len(bars_of_group) + 4
        rows.append(_text(LABELS - 8, middle, label, "end"))
        for series, value, low, high in bars_of_group:
            colour = COLOURS[names.index(series) % len(COLOURS)]
            centre = y + 6
            rows.append(f'<rect x="{LABELS}" y="{y}" width="{value * scale:.1f}" height="12" fill="{colour}"/>')
            rows.append(f'<path class="spread" d="M{LABELS + low * scale:.1f} {centre}H{LABELS + high * scale:.1f}"/>')
            rows.append(_text(LABELS + high * scale + 6, y + 10, f"{_number(value)}  {series}"))
            y += 14
        y += 12
    for tick in ticks:
        x = LABELS + tick * scale
        body.append(f'<path class="grid" d="M{x:.1f} {start - 6}V{y - 6}"/>')
        body.append(_text(x, y + 8, _number(tick), "middle"))
    return _document(y + 18, body + rows)


def lines(title, across, unit, series):
    """Lines through points. `series`: {name: [(x, y)]}; each point is named by its x."""
    points = [point for line in series.values() for point in line]
    ticks_x, ticks_y = _ticks(max(x for x, _ in points)), _ticks(max(y for _, y in points))
    height, left, bottom = 360, 70, 310
    right = WIDTH - RIGHT - 40
    scale_x, scale_y = (right - left) / ticks_x[-1], (bottom - 44) / ticks_y[-1]

    def place(point):
        return left + point[0] * scale_x, bottom - point[1] * scale_y

    body = [_text(8, 20, f"{title} ({unit})", kind="title")]
    for tick in ticks_y:
        y = bottom - tick * scale_y
        body.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
        body.append(_text(left - 8, y + 4, _number(tick), "end"))
    for tick in ticks_x:
        body.append(_text(left + tick * scale_x, bottom + 18, _number(tick), "middle"))
    body.append(_text((left + right) / 2, bottom + 38, across, "middle"))
    for index, (name, line) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, line))
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in map(place, line)]
        body.append(f'<rect x="{right + 14}" y="{44 + 20 * index}" width="12" height="12" fill="{colour}"/>')
        body.append(_text(right + 32, 54 + 20 * index, name))
    return _document(height, body)
