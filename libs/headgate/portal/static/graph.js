// What makes graphs of lineage nicer where scripts may run: zoom, drag, paths that light up, groups that
// open without loading the page anew. Without it the picture is scrolled, and every link is a link.
"use strict";

(() => {
  const CLOSEST = 0.1, FARTHEST = 3, STEP = 1.25;
  let scale = 1;

  // Everything of the picture that is on the page now.
  let frame, svg, size, following, leading;

  function begin(keep) {
    frame = document.querySelector(".graph-frame");
    svg = frame && frame.querySelector("svg.graph");
    if (!svg) return;
    size = { width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height };
    if (!keep) scale = 1;
    joinUp();
    tools();
    listen();
    zoom(scale);
    // What nearly fits is made to fit.
    if (!keep && size.width * 0.7 < frame.clientWidth) fit();
    show(svg.querySelector(".card.start"));
  }

  // ---- zoom: the picture is made larger in a frame that scrolls, so that every way to scroll still works.
  function zoom(to, x = frame.clientWidth / 2, y = frame.clientHeight / 2) {
    const before = scale;
    scale = Math.min(FARTHEST, Math.max(CLOSEST, to));
    const left = (frame.scrollLeft + x) / before, top = (frame.scrollTop + y) / before;
    svg.setAttribute("width", String(size.width * scale));
    svg.setAttribute("height", String(size.height * scale));
    frame.scrollLeft = left * scale - x;
    frame.scrollTop = top * scale - y;
  }

  function fit() {
    const high = Math.max(320, window.innerHeight * 0.75 - 4);
    zoom(Math.min(1, (frame.clientWidth - 2) / size.width, high / size.height));
  }

  function show(card) {
    if (!card) return;
    const box = card.getBoundingClientRect(), around = frame.getBoundingClientRect();
    frame.scrollLeft += box.left + box.width / 2 - around.left - frame.clientWidth / 2;
    frame.scrollTop += box.top + box.height / 2 - around.top - frame.clientHeight / 2;
  }

  const TOOLS = [
    ["+", "Zoom in", () => zoom(scale * STEP)],
    ["−", "Zoom out", () => zoom(scale / STEP)],
    ["Fit", "Fit the picture into its frame", fit],
    ["1:1", "Actual size", () => { zoom(1); show(svg.querySelector(".card.start")); }],
  ];

  function tools() {
    const bar = document.createElement("div");
    bar.className = "graph-tools only-on-screen";
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "The picture");
    for (const [text, told, act] of TOOLS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.title = told;
      button.setAttribute("aria-label", told);
      button.addEventListener("click", act);
      bar.append(button);
    }
    frame.before(bar);
  }

  const KEYS = { "+": () => zoom(scale * STEP), "=": () => zoom(scale * STEP), "-": () => zoom(scale / STEP), "0": fit };

  function listen() {
    frame.addEventListener("keydown", (event) => {
      const act = KEYS[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    // As maps have it: the wheel alone scrolls.
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    drag();
    for (const [on, off] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
      svg.addEventListener(on, (event) => light(event.target));
      svg.addEventListener(off, () => light(null));
    }
  }

  function drag() {
    let held = null, moved = false;
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      held = { x: event.clientX + frame.scrollLeft, y: event.clientY + frame.scrollTop };
      moved = false;
    });
    window.addEventListener("pointermove", (event) => {
      if (!held) return;
      const left = held.x - event.clientX, top = held.y - event.clientY;
      if (!moved && Math.hypot(left - frame.scrollLeft, top - frame.scrollTop) < 5) return;
      moved = true;
      frame.classList.add("held");
      frame.scrollLeft = left;
      frame.scrollTop = top;
    });
    window.addEventListener("pointerup", () => { held = null; frame.classList.remove("held"); });
    frame.addEventListener("dragstart", (event) => event.preventDefault());
    // Who dragged from a link did not mean to follow it.
    frame.addEventListener("click", (event) => { if (moved) { event.preventDefault(); event.stopPropagation(); } moved = false; }, true);
  }

  // ---- paths: from what is pointed at, all that it is made from and all that is made from it.
  function joinUp() {
    following = new Map();
    leading = new Map();
    for (const edge of svg.querySelectorAll(".edges .edge")) {
      const { from, to } = edge.dataset;
      if (!following.has(from)) following.set(from, []);
      if (!leading.has(to)) leading.set(to, []);
      following.get(from).push([edge, to]);
      leading.get(to).push([edge, from]);
    }
  }

  function light(target) {
    for (const old of svg.querySelectorAll(".lit")) old.classList.remove("lit");
    const at = target && target.closest("[data-row], [data-card], .edge");
    if (!at) return;
    if (at.classList.contains("edge")) {
      at.classList.add("lit");
      walk([at.dataset.from], leading);
      walk([at.dataset.to], following);
      return;
    }
    const starts = at.dataset.row ? [at.dataset.row] : ends(at.dataset.card);
    walk(starts, leading);
    walk(starts, following);
  }

  function ends(card) {
    const own = (end) => end.slice(0, end.indexOf(".")) === card;
    return [...new Set([...following.keys(), ...leading.keys()])].filter(own);
  }

  function walk(starts, next) {
    const seen = new Set(starts), waiting = [...starts];
    while (waiting.length) {
      const here = waiting.pop();
      mark(here);
      for (const [edge, end] of next.get(here) || []) {
        edge.classList.add("lit");
        if (!seen.has(end)) { seen.add(end); waiting.push(end); }
      }
    }
  }

  function mark(end) {
    const [card, row] = end.split(".");
    const drawn = row === "-1" ? `[data-card="${card}"]` : `[data-row="${end}"]`;
    const found = svg.querySelector(drawn);
    if (found) found.classList.add("lit");
  }

  // ---- links of the picture: the same address, and only what differs of the page.
  async function swap(address, remember) {
    const main = document.getElementById("main");
    main.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const other = page.getElementById("main");
      if (!answer.ok || !other || !page.querySelector(".graph-frame")) throw new Error("no picture");
      main.replaceChildren(...other.childNodes);
      document.title = page.title;
      if (remember) history.pushState({ graph: true }, "", address);
      begin(true);
      frame.focus({ preventScroll: true });
    } catch {
      location.assign(address);
    } finally {
      main.removeAttribute("aria-busy");
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    swap(link.getAttribute("href"), true);
  });
  window.addEventListener("popstate", () => swap(location.href, false));

  begin(false);
})();
