/// What a browser gets at `/`: a page from which a person can talk to the server it came from.
enum Page {
  /// One HTML document that needs nothing else, to be sent as `text/html; charset=utf-8`.
  static let html = #"""
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Martlet echo</title>
    <link rel="icon" href="data:,">
    <style>
      :root {
        --ground: light-dark(#f6f5f2, #15171a);
        --surface: light-dark(#ffffff, #1e2125);
        --line: light-dark(#e2dfd8, #32373d);
        --ink: light-dark(#22262b, #e8e6e1);
        --faint: light-dark(#6b7078, #969ca5);
        --accent: light-dark(#b3401f, #f08a5d);
        --on-accent: light-dark(#ffffff, #1c120d);
        --good: light-dark(#2a7d4f, #5fc58d);
        color-scheme: light dark;
        font: 16px/1.5 system-ui, sans-serif;
      }
      * { box-sizing: border-box; }
      body {
        margin: 0 auto; padding: 0 1rem; max-width: 44rem; height: 100dvh;
        display: flex; flex-direction: column;
        background: var(--ground); color: var(--ink);
      }
      header { display: flex; align-items: center; gap: .75rem; padding: 1.25rem 0 1rem; }
      header svg { width: 2rem; fill: var(--accent); flex: none; }
      h1 { margin: 0; font-size: 1.15rem; line-height: 1.2; letter-spacing: -.01em; }
      #address { color: var(--faint); font: .8rem ui-monospace, monospace; }
      #status {
        margin-left: auto; padding: .2rem .7rem; border-radius: 1rem; white-space: nowrap;
        border: 1px solid var(--line); background: var(--surface); font-size: .85rem;
      }
      #status::before { content: "●"; margin-right: .4rem; color: var(--faint); }
      #status[data-state=open]::before { color: var(--good); }
      #status[data-state=closed]::before { color: var(--accent); }
      #log {
        flex: 1; min-height: 6rem; overflow-y: auto; margin: 0; padding: 1rem; list-style: none;
        display: flex; flex-direction: column; gap: .5rem; scrollbar-width: thin;
        border: 1px solid var(--line); border-radius: .9rem; background: var(--surface);
      }
      #log:empty::before { content: attr(data-hint); margin: auto; color: var(--faint); }
      #log li { max-width: 85%; }
      .sent { align-self: flex-end; text-align: right; }
      .event { align-self: center; color: var(--faint); font-size: .85rem; text-align: center; }
      .body {
        display: inline-block; padding: .4rem .8rem; border-radius: .9rem; text-align: left;
        max-width: 100%; white-space: pre-wrap; overflow-wrap: anywhere;
      }
      .sent .body { background: var(--accent); color: var(--on-accent); }
      .received .body { background: var(--ground); border: 1px solid var(--line); }
      .binary .body { font: .85rem/1.7 ui-monospace, monospace; }
      small {
        display: block; padding: 0 .5rem; color: var(--faint); font-size: .75rem;
        font-variant-numeric: tabular-nums;
      }
      form, #controls { display: flex; gap: .5rem; padding-top: .75rem; }
      #controls { padding-bottom: 1.25rem; align-items: center; flex-wrap: wrap; }
      input, button, select {
        font: inherit; color: inherit; padding: .5rem .9rem; border-radius: .7rem; min-width: 0;
        border: 1px solid var(--line); background: var(--surface);
      }
      #controls > * { font-size: .85rem; padding: .35rem .6rem; }
      #controls select { padding-inline: .25rem; }
      input { flex: 1; }
      button { cursor: pointer; }
      button:disabled, input:disabled, select:disabled { opacity: .45; cursor: default; }
      :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
      #send { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
      #close { margin-left: auto; }
      [hidden] { display: none !important; }
    </style>
    </head>
    <body>
    <header>
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path d="M1 7c8 0 12 3 15 8 3-5 7-8 15-8-6 3-9 7-11 13l-2 10-2-4-2 4-2-10C10 14 7 10 1 7z"/>
      </svg>
      <div>
        <h1>Martlet echo</h1>
        <div id="address"></div>
      </div>
      <div id="status" role="status" data-state="closed">closed</div>
    </header>

    <ol id="log" aria-live="polite" data-hint="What you send comes back here."></ol>

    <form id="form">
      <input id="text" placeholder="A message" aria-label="Message" autocomplete="off" autofocus>
      <button id="send">Send</button>
    </form>
    <div id="controls">
      <button id="binary" title="Sends random bytes">Send bytes</button>
      <select id="size" aria-label="How many bytes">
        <option value="16">16 B</option>
        <option value="1024">1 KiB</option>
        <option value="65536">64 KiB</option>
        <option value="1000000">1 MB</option>
      </select>
      <button id="close">Close</button>
      <select id="code" aria-label="Close code">
        <option>1000</option>
        <option>3000</option>
        <option>4000</option>
        <option>4999</option>
      </select>
      <button id="connect" hidden>Connect again</button>
    </div>

    <script>
      "use strict";
      const longestLog = 400;
      const shownBytes = 24;
      const element = id => document.getElementById(id);
      const url = (location.protocol === "https:" ? "wss:" : "ws:") + "//" + location.host + "/";
      let socket;
      // Moments of sending, oldest first: echoes come back in the order of what was sent.
      let sentAt = [];

      function connect() {
        show("connecting");
        sentAt = [];
        socket = new WebSocket(url);
        socket.binaryType = "arraybuffer";
        socket.onopen = () => {
          show("open");
          element("text").focus();
        };
        socket.onmessage = ({ data }) => {
          const milliseconds = performance.now() - sentAt.shift();
          add("received", data, Number.isNaN(milliseconds) ? "" : duration(milliseconds));
        };
        socket.onclose = ({ code, reason, wasClean }) => {
          show("closed");
          const manner = wasClean ? "closed" : "connection lost";
          addEvent(`${manner}, code ${code}${reason ? `: ${reason}` : ""}`);
        };
      }

      function show(state) {
        element("status").dataset.state = state;
        element("status").textContent = state;
        for (const id of ["text", "send", "binary", "size", "close", "code"]) {
          element(id).disabled = state !== "open";
        }
        element("connect").hidden = state !== "closed";
        element("close").hidden = element("code").hidden = state === "closed";
      }

      function send(data) {
        if (socket.readyState !== WebSocket.OPEN) return;
        add("sent", data, "");
        sentAt.push(performance.now());
        socket.send(data);
      }

      function add(direction, data, note) {
        const isText = typeof data === "string";
        const size = isText ? new TextEncoder().encode(data).length : data.byteLength;
        const item = document.createElement("li");
        item.className = `${direction} ${isText ? "text" : "binary"}`;
        const body = document.createElement("span");
        body.className = "body";
        body.textContent = isText ? data || "(empty)" : hexadecimal(data);
        const details = document.createElement("small");
        details.textContent = size.toLocaleString("en") + " B" + (note && " · " + note);
        item.append(body, details);
        append(item);
      }

      function addEvent(text) {
        const item = document.createElement("li");
        item.className = "event";
        item.textContent = text;
        append(item);
      }

      function append(item) {
        const log = element("log");
        log.append(item);
        while (log.childElementCount > longestLog) log.firstElementChild.remove();
        log.scrollTop = log.scrollHeight;
      }

      function hexadecimal(data) {
        const bytes = [...new Uint8Array(data.slice(0, shownBytes))];
        const shown = bytes.map(byte => byte.toString(16).padStart(2, "0")).join(" ");
        return data.byteLength > shownBytes ? shown + " …" : shown;
      }

      function duration(milliseconds) {
        return milliseconds.toFixed(milliseconds < 10 ? 2 : 0) + " ms";
      }

      function randomBytes(count) {
        const bytes = new Uint8Array(count);
        // The browser gives at most 65,536 random bytes at a time.
        for (let start = 0; start < count; start += 65536) {
          crypto.getRandomValues(bytes.subarray(start, start + 65536));
        }
        return bytes.buffer;
      }

      element("address").textContent = url;
      element("form").onsubmit = event => {
        event.preventDefault();
        send(element("text").value);
        element("text").value = "";
      };
      element("binary").onclick = () => send(randomBytes(Number(element("size").value)));
      element("close").onclick = () => socket.close(Number(element("code").value), "by hand");
      element("connect").onclick = connect;
      connect();
    </script>
    </body>
    </html>

    """#
}
