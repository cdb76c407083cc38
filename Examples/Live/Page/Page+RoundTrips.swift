extension Page {
  /// The plot of round-trip times, drawn by hand: time to the right, microseconds upwards, by their
  /// logarithm, since one slow one should not flatten all the others.
  static let roundTripScript = #"""
    const shownMilliseconds = 30_000;
    // Between two pongs further apart than this, no line is drawn.
    const gapMilliseconds = 1000;
    const samples = [];
    // 1, 2, 5, 10 … microseconds, up to a hundred seconds.
    const steps = Array.from({ length: 25 }, (_, index) =>
      [1, 2, 5][index % 3] * 10 ** Math.floor(index / 3));

    handlers.roundTrip = event => {
      const now = performance.now();
      samples.push({ at: now, microseconds: Math.max(1, event.microseconds) });
      while (samples[0].at < now - shownMilliseconds) samples.shift();
      const sorted = samples.map(sample => sample.microseconds).sort((a, b) => a - b);
      const quantile = share => duration(sorted[Math.floor(share * (sorted.length - 1))]);
      element("rtt").textContent = duration(event.microseconds);
      const notes = [`median ${quantile(.5)}`, `p99 ${quantile(.99)}`].map(text => {
        const note = document.createElement("span");
        note.textContent = text;
        return note;
      });
      element("rtt-note").replaceChildren(notes[0], " · ", notes[1]);
      drawPlot(now, sorted[0], sorted.at(-1));
    };

    function duration(microseconds) {
      if (microseconds < 1000) return `${microseconds} µs`;
      if (microseconds >= 1_000_000) return `${+(microseconds / 1_000_000).toFixed(1)} s`;
      const milliseconds = microseconds / 1000;
      return `${+milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
    }

    function drawPlot(now, least, most) {
      const plot = element("plot");
      const width = plot.clientWidth, height = plot.clientHeight;
      const left = 50, top = 8, bottom = height - 22, right = width - 6;
      // Ends are round numbers, so that the plot does not move with each new sample.
      const low = steps.findLast(step => step <= least);
      const high = steps.find(step => step >= most && step >= 5 * low) ?? steps.at(-1);
      const x = at => right - (now - at) / shownMilliseconds * (right - left);
      const y = value => bottom - Math.log(value / low) / Math.log(high / low) * (bottom - top);

      let line = "", area = "", last;
      for (const { at, microseconds } of samples) {
        const point = `${x(at).toFixed(1)} ${y(microseconds).toFixed(1)}`;
        const isConnected = last && at - last.at < gapMilliseconds;
        line += (isConnected ? "L" : "M") + point;
        if (!isConnected) {
          if (last) area += `V${bottom}Z`;
          area += `M${x(at).toFixed(1)} ${bottom}L${point}`;
        } else {
          area += `L${point}`;
        }
        last = { at, microseconds };
      }
      plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
      plot.replaceChildren(
        ...gridValues(low, high).flatMap(value => [
          shape("line", { x1: left, x2: width, y1: y(value), y2: y(value), class: "grid" }),
          shape("text", { x: 0, y: y(value) + 4 }, duration(value)),
        ]),
        ...[30, 20, 10].map(seconds => shape("text", {
          x: x(now - 1000 * seconds), y: height - 4,
          "text-anchor": seconds * 1000 === shownMilliseconds ? "start" : "middle",
        }, `${seconds} s ago`)),
        shape("text", { x: width, y: height - 4, "text-anchor": "end" }, "now"),
        shape("path", { d: area + `V${bottom}Z`, class: "area" }),
        shape("path", { d: line, class: "line" }),
        shape("circle", { cx: x(last.at), cy: y(last.microseconds), r: 3.5 }));
    }

    // All round numbers, or, where those would be too many, the powers of ten.
    function gridValues(low, high) {
      const within = steps.filter(step => step >= low && step <= high);
      return within.length <= 5 ? within : within.filter(step => Number.isInteger(Math.log10(step)));
    }
    """#
}
