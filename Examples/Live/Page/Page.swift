/// What a browser gets at `/`: one document that needs nothing else.
enum Page {
  static let html = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Martlet live</title>
    <link rel="icon" href="data:,">
    <style>
    \(style)
    </style>
    </head>
    <body>
    \(content)
    <script>
    "use strict";
    \(connectionScript)
    \(chatScript)
    \(figureScript)
    \(roundTripScript)
    connect();
    </script>
    </body>
    </html>

    """

  private static let content = """
    <header>
      <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
        <path d="M1 7c8 0 12 3 15 8 3-5 7-8 15-8-6 3-9 7-11 13l-2 10-2-4-2 4-2-10C10 14 7 10 1 7z"/>
      </svg>
      <div>
        <h1>Martlet live</h1>
        <div id="address"></div>
      </div>
      <div class="pills">
        <span class="pill" id="backend" title="The kernel interface that the server runs on"></span>
        <span class="pill" id="status" role="status" data-state="connecting">connecting</span>
      </div>
    </header>

    <div id="away" role="alert" hidden>
      <span id="away-text"></span>
      <button id="retry">Try now</button>
    </div>

    <main>
      <section class="card" id="chat">
        <h2>Chat <span class="note" id="here"></span></h2>
        <ol id="log" role="log" aria-label="Messages"
          data-hint="Nobody has said anything yet. Open this page a second time, and talk."></ol>
        <p id="refusal" role="alert" hidden></p>
        <form id="form">
          <label title="Your name">
            <span>You are</span>
            <input id="name" maxlength="24" autocomplete="off" spellcheck="false" required>
          </label>
          <input id="text" aria-label="Message" placeholder="A message" maxlength="500"
            autocomplete="off">
          <button id="send" class="main">Send</button>
        </form>
      </section>

      <section class="card" id="ticker">
        <h2>Ticker <span class="note">published from no reactor’s thread</span></h2>
        <div class="row">
          <span class="large" id="tick">–</span>
          <span id="beats" aria-hidden="true"></span>
        </div>
        <p class="note" id="tick-note">The first tick comes within a second.</p>
      </section>

      <section class="card" id="round-trips">
        <h2>Round trip <span class="note">a ping each 100 ms</span></h2>
        <div class="row">
          <span class="large" id="rtt">–</span>
          <span class="note" id="rtt-note">No pong yet.</span>
        </div>
        <svg id="plot" role="img" aria-label="Round-trip times of the last 30 seconds"></svg>
      </section>

      <section class="card" id="server">
        <h2>Server <span class="note" id="server-note"></span></h2>
        <dl>
          <div><dd id="connections">–</dd><dt>connections</dt></div>
          <div><dd id="received">–</dd><dt>messages in / s</dt></div>
          <div><dd id="published">–</dd><dt>published / s</dt></div>
          <div><dd id="calls">–</dd><dt>system calls / s</dt></div>
        </dl>
        <ul id="reactors" aria-label="Connections of each reactor"></ul>
        <p class="note">Messages in, of the last minute</p>
        <svg id="spark" role="img" aria-label="Messages per second, of the last minute"></svg>
        <div class="row">
          <button id="burst">Echo 1,000 messages</button>
          <span class="note" id="burst-note">and see the rate rise</span>
        </div>
      </section>
    </main>
    """
}
