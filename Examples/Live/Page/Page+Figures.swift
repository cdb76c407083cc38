extension Page {
  /// The ticker, and what the server is doing.
  static let figureScript = #"""
    const beatCount = 10;
    const sparkCount = 60;
    const burstCount = 1000;
    const rates = [];
    let tickedAt = 0;
    let burstStart = 0;
    let burstLeft = 0;

    for (let beat = 0; beat < beatCount; beat++) {
      element("beats").append(document.createElement("i"));
    }

    handlers.tick = event => {
      const now = performance.now();
      element("tick").textContent = number.format(event.number);
      const current = event.number % beatCount;
      [...element("beats").children].forEach((dot, index) => {
        dot.className = index === current ? "now" : index < current ? "lit" : "";
      });
      element("tick-note").textContent = tickedAt
        ? `${(now - tickedAt).toFixed(1)} ms after the one before`
        : "The next one comes in a second.";
      tickedAt = now;
    };

    handlers.figures = event => {
      const sum = event.connections.reduce((one, other) => one + other, 0);
      const reactors = event.connections.length;
      element("backend").textContent = event.backend;
      element("here").textContent = event.here === 1 ? "only you are here" : `${event.here} are here`;
      element("server-note").textContent =
        `${event.backend}, ${reactors} ${reactors === 1 ? "reactor" : "reactors"}`;
      element("connections").textContent = number.format(sum);
      element("received").textContent = number.format(event.received);
      element("published").textContent = number.format(event.published);
      element("calls").textContent = number.format(event.systemCalls);
      showReactors(event.connections, sum);
      rates.push(event.received);
      while (rates.length > sparkCount) rates.shift();
      drawSpark();
    };

    function showReactors(connections, sum) {
      const list = element("reactors");
      while (list.childElementCount > connections.length) list.lastElementChild.remove();
      while (list.childElementCount < connections.length) {
        const item = document.createElement("li");
        const track = document.createElement("span");
        track.className = "track";
        const bar = document.createElement("div");
        bar.className = "bar";
        track.append(bar);
        item.append(`reactor ${list.childElementCount}`, track, document.createElement("b"));
        list.append(item);
      }
      connections.forEach((count, index) => {
        const item = list.children[index];
        item.querySelector(".bar").style.width = `${100 * count / Math.max(1, sum)}%`;
        item.querySelector("b").textContent = number.format(count);
      });
    }

    function drawSpark() {
      const plot = element("spark");
      const width = plot.clientWidth, height = plot.clientHeight;
      const step = width / sparkCount;
      const most = Math.max(10, ...rates);
      plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
      plot.replaceChildren(...Array.from({ length: sparkCount }, (_, index) => {
        const rate = rates[index - sparkCount + rates.length] ?? 0;
        const size = Math.max(2, height * rate / most);
        return shape("rect", {
          x: index * step + 1, width: Math.max(1, step - 2), y: height - size, height: size, rx: 1,
          class: rate ? "some" : "none",
        });
      }));
    }

    function shape(name, attributes, text) {
      const shape = document.createElementNS(element("spark").namespaceURI, name);
      for (const key in attributes) shape.setAttribute(key, attributes[key]);
      if (text) shape.textContent = text;
      return shape;
    }

    handlers.echo = () => {
      burstLeft -= 1;
      if (burstLeft > 0) return;
      const milliseconds = (performance.now() - burstStart).toFixed(0);
      element("burst-note").textContent = `there and back in ${milliseconds} ms`;
    };

    element("burst").onclick = () => {
      burstLeft = burstCount;
      burstStart = performance.now();
      element("burst-note").textContent = "on their way …";
      for (let index = 0; index < burstCount; index++) say({ type: "echo", number: index });
    };
    """#
}
