"use strict";
// Makes the page live: asks for it again and takes over what has changed. The server renders, so
// that there is one rendering, and nothing here ever makes HTML of a text. Without this script the
// page is the same, standing still.
(() => {
  const STEPS = [[100, 1, "s"], [6000, 60, "min"], [172800, 3600, "h"]];
  const PATIENCE = 10000;
  let ahead = 0; // the server's clock less ours, in seconds
  let timer = 0;
  let running = null; // what ends the request under way
  let heard = Date.now();

  // --- time, in the words of status/words.py -----------------------------------------------------

  function span(seconds) {
    for (const [below, unit, name] of STEPS) {
      if (seconds < below) return `${Math.trunc(Math.max(0, seconds) / unit)} ${name}`;
    }
    return `${Math.trunc(seconds / 86400)} d`;
  }

  function when(instant, now) {
    const away = instant - now;
    if (away > -1 && away < 1) return "now";
    return away > 0 ? `in ${span(away)}` : `${span(-away)} ago`;
  }

  const now = () => Date.now() / 1000 + ahead;

  function write(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function tick() {
    const at = now();
    for (const time of document.querySelectorAll("time[data-tick]")) {
      write(time, when(Date.parse(time.dateTime) / 1000, at));
    }
    for (const bar of document.querySelectorAll("svg.life")) {
      const from = Number(bar.dataset.from);
      const part = (at - from) / (Number(bar.dataset.to) - from);
      const gone = `${(100 * Math.min(1, Math.max(0, part))).toFixed(2)}%`;
      bar.querySelector(".gone").setAttribute("width", gone);
      bar.querySelector(".now").setAttribute("x", gone);
    }
  }

  function localise() {
    for (const time of document.querySelectorAll("time")) {
      const instant = new Date(time.dateTime);
      const utc = time.dateTime.slice(0, 19).replace("T", " ");
      time.title = `${instant.toLocaleString()} here, ${utc} UTC`;
      if (time.hasAttribute("data-clock")) write(time, instant.toLocaleTimeString());
    }
  }

  // --- taking over what has changed ---------------------------------------------------------------

  function alike(old, young) {
    return old.nodeType === young.nodeType && old.nodeName === young.nodeName
      && (old.id || "") === (young.id || "");
  }

  function attributes(old, young) {
    for (const { name } of [...old.attributes]) {
      // Whether a fold stands open is the reader's to say.
      if (!young.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) {
        old.removeAttribute(name);
      }
    }
    for (const { name, value } of young.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }

  // Children with an id are found again wherever they went; others are compared one by one.
  function become(old, young) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== young.nodeValue) old.nodeValue = young.nodeValue;
      return;
    }
    attributes(old, young);
    const known = new Map();
    for (const child of old.children) if (child.id) known.set(child.id, child);
    let place = old.firstChild;
    for (const wanted of [...young.childNodes]) {
      const named = wanted.id && known.get(wanted.id);
      let child = named || place;
      while (!named && child && child.id && child.id !== wanted.id) child = child.nextSibling;
      if (child && alike(child, wanted)) {
        if (child !== place) old.insertBefore(child, place);
        become(child, wanted);
        place = child.nextSibling;
      } else {
        old.insertBefore(document.importNode(wanted, true), place);
      }
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  }

  // `back`: the reader went to another address, so the field shows what that one asks for.
  function take(text, back) {
    const young = new DOMParser().parseFromString(text, "text/html");
    if (!young.getElementById("verdict")) throw new Error("no page of ours");
    ahead = Number(young.body.dataset.now) - Date.now() / 1000;
    document.body.dataset.every = young.body.dataset.every;
    document.title = young.title;
    for (const id of ["about", "verdict", "attention", "list", "facts"]) {
      const [old, other] = [document.getElementById(id), young.getElementById(id)];
      if (old && other) become(old, other);
    }
    const field = document.getElementById("q");
    if (back || document.activeElement !== field) field.value = field.getAttribute("value");
    localise();
    tick();
  }

  // --- asking -------------------------------------------------------------------------------------

  function complain(why) {
    const notice = document.getElementById("stale");
    const text = why ? `${why} What stands here is ${span((Date.now() - heard) / 1000)} old.` : "";
    document.body.classList.toggle("stale", Boolean(why));
    notice.hidden = !why;
    write(notice, text);
  }

  function later() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(ask, 1000 * Number(document.body.dataset.every));
  }

  async function ask(back = false) {
    clearTimeout(timer);
    if (running) running.abort();
    const mine = (running = new AbortController());
    const limit = setTimeout(() => mine.abort(), PATIENCE);
    try {
      const answer = await fetch(location.href.split("#")[0], { signal: mine.signal });
      if (answer.status === 503) return; // asked too much: what stands here is a moment old
      if (!answer.ok) {
        complain((await answer.text()).trim().slice(0, 300) + ".");
        return;
      }
      take(await answer.text(), back);
      heard = Date.now();
      complain("");
    } catch {
      if (running === mine) complain("The daemon does not answer.");
    } finally {
      clearTimeout(limit);
      if (running === mine) {
        running = null;
        later();
      }
    }
  }

  async function go(href, replace) {
    if (replace) history.replaceState(null, "", href);
    else history.pushState(null, "", href);
    await ask();
  }

  // --- what people do -----------------------------------------------------------------------------

  function searched() {
    const given = new URLSearchParams();
    for (const [name, value] of new FormData(document.getElementById("search"))) {
      if (value) given.set(name, value);
    }
    return `?${given}`;
  }

  let typing = 0;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "q") return;
    clearTimeout(typing);
    typing = setTimeout(() => go(searched(), true), 200);
  });
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    go(searched(), false);
  });
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-live]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const moved = link.hasAttribute("data-turn") || Boolean(link.closest("#attention"));
    await go(link.getAttribute("href"), false);
    if (moved) document.getElementById("tokens").focus();
  });
  addEventListener("popstate", () => ask(true));
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));

  document.getElementById("still").hidden = true; // for browsers whose style sheets cannot tell
  ahead = Number(document.body.dataset.now) - Date.now() / 1000;
  localise();
  tick();
  setInterval(tick, 1000);
  later();
})();
