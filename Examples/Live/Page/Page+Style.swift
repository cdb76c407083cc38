extension Page {
  static let style = """
    :root {
      --ground: light-dark(#f6f5f2, #15171a);
      --surface: light-dark(#ffffff, #1e2125);
      --line: light-dark(#e2dfd8, #32373d);
      --soft: light-dark(#efede8, #282c31);
      --ink: light-dark(#22262b, #e8e6e1);
      --faint: light-dark(#686d75, #9aa0a9);
      --accent: light-dark(#b3401f, #f08a5d);
      --on-accent: light-dark(#ffffff, #1c120d);
      --good: light-dark(#2a7d4f, #5fc58d);
      color-scheme: light dark;
      font: 16px/1.5 system-ui, sans-serif;
    }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    body {
      margin: 0 auto; padding: 0 1.25rem 1.25rem; max-width: 76rem;
      min-height: 100dvh; display: flex; flex-direction: column;
      background: var(--ground); color: var(--ink);
    }
    header { display: flex; align-items: center; gap: .75rem; padding: 1.1rem 0 1rem; }
    header .mark { width: 2.1rem; fill: var(--accent); flex: none; }
    h1 { margin: 0; font-size: 1.2rem; line-height: 1.25; letter-spacing: -.01em; }
    #address { color: var(--faint); font: .8rem ui-monospace, monospace; }
    .pills { margin-left: auto; display: flex; gap: .5rem; flex-wrap: wrap; justify-content: end; }
    .pill {
      padding: .2rem .75rem; border-radius: 1rem; white-space: nowrap; font-size: .85rem;
      border: 1px solid var(--line); background: var(--surface);
    }
    .pill:empty { display: none; }
    #status::before { content: "●"; margin-right: .4rem; color: var(--faint); }
    #status[data-state=connected]::before { color: var(--good); }
    #status[data-state=away]::before { color: var(--accent); }
    #away {
      display: flex; align-items: center; justify-content: space-between; gap: 1rem;
      margin-bottom: 1rem; padding: .6rem .6rem .6rem 1rem; border-radius: .9rem;
      border: 1px solid var(--accent);
      background: color-mix(in srgb, var(--accent) 9%, var(--surface));
    }
    main {
      flex: 1; display: grid; gap: 1rem; min-height: 0;
      grid-template: "chat ticker" auto "chat round-trips" minmax(18rem, 1fr) "chat server" auto
        / minmax(0, 1.15fr) minmax(0, 1fr);
    }
    .card {
      padding: 1rem 1.15rem 1.15rem; border-radius: .9rem; min-width: 0;
      border: 1px solid var(--line); background: var(--surface);
      display: flex; flex-direction: column;
    }
    #chat {
      grid-area: chat; align-self: start; position: sticky; top: 1.25rem;
      height: min(100%, calc(100dvh - 5.5rem)); min-height: 20rem;
    }
    #ticker { grid-area: ticker; }
    #round-trips { grid-area: round-trips; }
    #server { grid-area: server; }
    [data-away] :is(#here, #ticker, #round-trips, #server) { opacity: .5; }
    h2 {
      margin: 0 0 .6rem; font-size: .95rem; line-height: 1.4;
      display: flex; justify-content: space-between; align-items: baseline; gap: 1rem;
    }
    .note { margin: 0; color: var(--faint); font-size: .8rem; font-weight: 400; }
    h2 { white-space: nowrap; }
    h2 .note, .row .note { text-align: right; }
    h2 .note { white-space: normal; }
    .note span { display: inline-block; }
    .row button, #away button { flex: none; }
    .row { display: flex; align-items: center; justify-content: space-between; gap: 1rem; }
    .large {
      font-size: 2rem; line-height: 1.2; font-weight: 600; letter-spacing: -.02em;
      white-space: nowrap;
    }
    .large, .note, dd, small { font-variant-numeric: tabular-nums; }

    #log {
      flex: 1 1 0; min-height: 0; overflow-y: auto; margin: 0 -.4rem; padding: .2rem .4rem .6rem;
      list-style: none; display: flex; flex-direction: column; gap: .2rem;
      scrollbar-width: thin; scrollbar-color: var(--line) transparent;
    }
    #log > :first-child { margin-top: auto; }
    #log:not(:has(.said))::before {
      content: attr(data-hint); margin: auto; padding: 1rem; max-width: 19rem;
      color: var(--faint); text-align: center;
    }
    #log:not(:has(.said)) > :first-child { margin-top: 0; }
    .said { max-width: 85%; align-self: flex-start; }
    .said.own { align-self: flex-end; text-align: right; }
    .said:not(.again) { padding-top: .45rem; }
    .said.again small { display: none; }
    small { display: block; padding: 0 .5rem .1rem; color: var(--faint); font-size: .75rem; }
    small b { font-weight: 600; color: var(--who, inherit); }
    .body {
      display: inline-block; padding: .35rem .8rem; border-radius: .9rem; text-align: left;
      max-width: 100%; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft);
    }
    .own .body { background: var(--accent); color: var(--on-accent); }
    .event {
      align-self: center; padding: .25rem 0; max-width: 100%; overflow-wrap: anywhere;
      color: var(--faint); font-size: .8rem; text-align: center;
    }
    form { display: flex; gap: .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
    label { flex: 0 1 10rem; min-width: 0; display: flex; align-items: center; gap: .5rem; }
    label span { color: var(--faint); font-size: .85rem; white-space: nowrap; }
    #name, #text { flex: 1; width: 100%; }
    #refusal { margin: 0 0 .5rem; color: var(--accent); font-size: .85rem; }
    input, button {
      font: inherit; color: inherit; padding: .5rem .9rem; border-radius: .7rem; min-width: 0;
      border: 1px solid var(--line); background: var(--surface);
    }
    input::placeholder { color: var(--faint); opacity: 1; }
    button { cursor: pointer; white-space: nowrap; }
    button:not(.main):hover:enabled { background: var(--soft); }
    button:disabled, input:disabled { opacity: .45; cursor: default; }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
    .main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
    #away button, #server button { padding: .3rem .8rem; font-size: .85rem; }

    #beats { display: flex; gap: .35rem; }
    #beats i { width: .55rem; height: .55rem; border-radius: 50%; background: var(--line); }
    #beats i.lit { background: var(--accent); }
    #beats i.now { background: var(--accent); animation: beat .9s ease-out; }
    @keyframes beat {
      from { box-shadow: 0 0 0 0 var(--accent); }
      to { box-shadow: 0 0 0 .5rem transparent; }
    }
    @media (prefers-reduced-motion: reduce) { #beats i.now { animation: none; } }

    #plot { flex: 1 1 0; width: 100%; height: 0; min-height: 9rem; margin-top: .6rem; display: block; }
    #plot text { fill: var(--faint); font-size: 11px; }
    #plot .grid { stroke: var(--line); }
    #plot .line { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linejoin: round; }
    #plot .area { fill: var(--accent); opacity: .12; }
    #plot circle { fill: var(--accent); }

    dl { margin: 0 0 .75rem; display: grid; grid-template-columns: repeat(4, auto); gap: .5rem 1rem; }
    dd { margin: 0; font-size: 1.35rem; line-height: 1.2; font-weight: 600; letter-spacing: -.01em; }
    dt { color: var(--faint); font-size: .8rem; white-space: nowrap; }
    #reactors {
      margin: 0; padding: 0; list-style: none; display: grid; gap: .3rem 1.5rem;
      grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr));
      max-height: 6.5rem; overflow-y: auto; font-size: .8rem;
    }
    #reactors li { display: flex; align-items: center; gap: .6rem; white-space: nowrap; }
    #reactors b { min-width: 1.2rem; text-align: right; font-variant-numeric: tabular-nums; }
    #reactors .track { flex: 1; height: .5rem; border-radius: .25rem; background: var(--soft); }
    #reactors .bar {
      height: 100%; border-radius: .25rem; background: var(--accent); transition: width .3s;
    }
    #spark { width: 100%; height: 2.5rem; margin: .25rem 0 .75rem; display: block; }
    #server p { margin-top: .75rem; }
    #spark rect { fill: var(--accent); }
    #spark rect.none { fill: var(--line); }

    @media (max-width: 68rem) { dl { grid-template-columns: repeat(2, 1fr); } }
    @media (max-width: 52rem) {
      body { padding: 0 1rem 1rem; }
      main {
        grid-template: "ticker" auto "chat" auto "round-trips" auto "server" auto / minmax(0, 1fr);
      }
      #chat { position: static; height: min(30rem, 80dvh); }
      #round-trips { height: 17rem; }
    }
    @media (max-width: 30rem) {
      .pill { padding: .15rem .6rem; font-size: .8rem; }
      #backend { display: none; }
      .large { font-size: 1.75rem; }
      .card { padding: .85rem .95rem 1rem; }
      form { flex-wrap: wrap; }
      label { flex: 1 1 100%; }
      #name { padding-block: .3rem; font-size: .9rem; }
    }
    """
}
