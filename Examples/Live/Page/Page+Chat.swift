extension Page {
  /// The chat room. What others wrote goes into the page as text, never as HTML.
  static let chatScript = #"""
    const longestLog = 300;
    const birds = [
      "Swift", "Martin", "Swallow", "Wren", "Robin", "Heron", "Osprey", "Plover", "Siskin",
      "Dunnock", "Linnet", "Dipper", "Redstart", "Goldcrest", "Nuthatch", "Wagtail",
    ];
    let ownID = 0;
    // Which run of the server our position in the room belongs to, and the position of the next
    // message of the room: all of them are counted.
    let run = 0;
    let position = 0;
    let lastSaid = { id: 0, at: 0 };

    function storedName() {
      try { return sessionStorage.getItem("name"); } catch { return null; }
    }

    function storeName(name) {
      try { sessionStorage.setItem("name", name); } catch { /* It is forgotten, then. */ }
    }

    handlers.welcome = event => {
      const name = element("name").value;
      say({ type: "join", name, ...(event.run === run && { run, position }) });
      ownID = event.id;
      run = event.run;
      connected();
    };

    handlers.joined = event => {
      position = event.position;
      if (event.resumed) return;
      element("log").replaceChildren();
      lastSaid = { id: 0, at: 0 };
    };

    handlers.missed = event => {
      position += event.count;
      addEvent(`${number.format(event.count)} messages are missing here`);
    };

    handlers.said = event => {
      position += 1;
      const item = document.createElement("li");
      item.className = "said";
      item.classList.toggle("own", event.id === ownID);
      // What somebody says within two minutes stands below one name.
      const isAgain = event.id === lastSaid.id && event.at - lastSaid.at < 120_000;
      item.classList.toggle("again", isAgain);
      lastSaid = event;

      const name = document.createElement("b");
      name.textContent = event.name;
      name.style.setProperty("--who", colour(event.id));
      const details = document.createElement("small");
      details.append(name, " " + clock(event.at));
      const body = document.createElement("span");
      body.className = "body";
      body.textContent = event.text;
      item.append(details, body);
      add(item);
    };

    handlers.entered = event => presence(event, `${event.name} has come in`);
    handlers.left = event => presence(event, `${event.name} has left`);
    handlers.renamed = event => presence(event, `${event.before} is now ${event.name}`);

    handlers.refused = event => {
      element("refusal").textContent = `Not done: ${event.reason}.`;
      element("refusal").hidden = false;
    };

    function presence(event, text) {
      position += 1;
      addEvent(text);
    }

    function addEvent(text) {
      const item = document.createElement("li");
      item.className = "event";
      item.textContent = text;
      lastSaid = { id: 0, at: 0 };
      add(item);
    }

    function add(item) {
      const log = element("log");
      // Whoever reads further up is left there.
      const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      log.append(item);
      while (log.childElementCount > longestLog) log.firstElementChild.remove();
      if (isAtEnd || item.classList.contains("own")) log.scrollTop = log.scrollHeight;
    }

    function colour(id) {
      const hue = (id * 137.5) % 360;
      return `light-dark(hsl(${hue} 60% 36%), hsl(${hue} 60% 70%))`;
    }

    function clock(at) {
      return new Date(at).toLocaleTimeString("en", { timeStyle: "short", hourCycle: "h23" });
    }

    element("name").value = storedName() ?? birds[Math.floor(Math.random() * birds.length)];
    element("name").onchange = () => {
      element("refusal").hidden = true;
      const name = element("name").value.trim();
      if (!name) return;
      element("name").value = name;
      storeName(name);
      say({ type: "rename", name });
    };
    element("form").onsubmit = event => {
      event.preventDefault();
      element("refusal").hidden = true;
      const text = element("text").value.trim();
      if (!text || element("send").disabled) return;
      say({ type: "say", text });
      element("text").value = "";
    };
    """#
}
