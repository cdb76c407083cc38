extension Page {
  /// The WebSocket: it comes back by itself, and tells everything else what it has heard.
  static let connectionScript = #"""
    const url = (location.protocol === "https:" ? "wss:" : "ws:") + "//" + location.host + "/";
    const firstDelay = 500;
    const longestDelay = 8000;
    // A tick comes each second: after so long without one, the server is gone.
    const longestSilence = 5000;

    const element = id => document.getElementById(id);
    const number = new Intl.NumberFormat("en");
    // What to do with a message from the server, by its type.
    const handlers = {};
    let socket;
    let heardAt = 0;
    let failures = 0;
    let retryAt = 0;

    function connect() {
      retryAt = 0;
      show("connecting");
      const opening = new WebSocket(url);
      socket = opening;
      heardAt = performance.now();
      opening.onmessage = ({ data }) => {
        heardAt = performance.now();
        const event = JSON.parse(data);
        handlers[event.type]?.(event);
      };
      opening.onclose = () => { if (socket === opening) lost(); };
    }

    // The handler of `welcome` calls this: a connection that says nothing is none.
    function connected() {
      failures = 0;
      show("connected");
    }

    function lost() {
      socket.onmessage = socket.onclose = null;
      socket.close();
      const delay = Math.min(firstDelay * 2 ** failures, longestDelay);
      failures += 1;
      // Not all pages at once, when a server comes back that many have lost.
      retryAt = performance.now() + delay * (0.75 + Math.random() / 2);
      show("away");
    }

    function show(state) {
      // Trying again is no news as long as it has not worked.
      if (state === "connecting" && failures > 0) state = "away";
      element("status").dataset.state = state;
      element("status").textContent = state;
      element("away").hidden = state !== "away";
      document.body.toggleAttribute("data-away", state === "away");
      for (const id of ["send", "burst"]) element(id).disabled = state !== "connected";
      showDelay();
    }

    function showDelay() {
      const seconds = Math.ceil((retryAt - performance.now()) / 1000);
      element("away-text").textContent = "The server is away. " + (
        retryAt && seconds > 0 ? `The next try is in ${seconds} s.` : "Trying …");
      element("retry").disabled = !retryAt;
    }

    function say(request) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(request));
    }

    setInterval(() => {
      if (retryAt) {
        if (performance.now() >= retryAt) connect(); else showDelay();
      } else if (performance.now() - heardAt > longestSilence) {
        lost();
      }
    }, 100);

    const retry = () => { if (retryAt) connect(); };
    element("retry").onclick = retry;
    addEventListener("online", retry);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) retry(); });
    element("address").textContent = url;
    """#
}
