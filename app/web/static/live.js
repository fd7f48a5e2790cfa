// A solve as it goes: the server tells of every step, and a picture shows how the best
// plan and what is proven come together. Where the line breaks, the page polls again.
(() => {
  "use strict";
  const figure = document.getElementById("live");
  if (!figure || !window.EventSource) return;
  const svg = figure.querySelector("svg");
  const [WIDTH, HEIGHT, LEFT, BOTTOM] = [640, 190, 70, 22];
  const steps = [];
  let open = false;

  const source = new EventSource(figure.dataset.events);
  source.addEventListener("open", () => { open = true; });
  source.addEventListener("error", () => { open = false; });
  source.addEventListener("progress", (event) => {
    steps.push(JSON.parse(event.data));
    draw();
    const part = document.getElementById("progress");
    if (part) htmx.trigger(part, "told");
  });
  source.addEventListener("done", () => {
    source.close();
    location.reload();
  });
  addEventListener("pagehide", () => source.close());

  // While the server tells, nobody need ask every second.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const cause = event.detail.requestConfig.triggeringEvent;
    if (open && event.target.id === "progress" && !(cause && cause.type === "told")) {
      event.preventDefault();
    }
  });

  // Between two tellings the seconds go on.
  setInterval(() => {
    const shown = document.querySelector("[data-elapsed]");
    if (!open || !shown) return;
    const seconds = Number(shown.dataset.elapsed) + 1;
    shown.dataset.elapsed = seconds;
    shown.textContent = seconds.toLocaleString("en-US");
  }, 1000);

  function add(name, attributes, text) {
    const one = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    if (text !== undefined) one.textContent = text;
    svg.append(one);
  }

  function draw() {
    const known = steps.filter((one) => one.bound > 0 || one.incumbent > 0);
    if (known.length < 2) return;
    figure.hidden = false;
    const values = known.flatMap((one) => [one.incumbent, one.bound]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const [from, to] = [known[0].elapsed_s, known.at(-1).elapsed_s];
    const x = (s) => LEFT + ((s - from) / (to - from || 1)) * (WIDTH - LEFT - 8);
    const y = (v) => 10 + ((high - v) / (high - low || 1)) * (HEIGHT - BOTTOM - 20);
    const days = (v) => v.toLocaleString("en-US", { maximumFractionDigits: 1 });
    svg.replaceChildren();
    add("line", { x1: LEFT, x2: WIDTH - 8, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM, class: "axis-line" });
    for (const value of high > low ? [high, low] : [high]) {
      add("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end", class: "figure" }, days(value));
    }
    add("text", { x: LEFT, y: HEIGHT - 4 }, `${days(from)} s`);
    add("text", { x: WIDTH - 8, y: HEIGHT - 4, "text-anchor": "end" }, `${days(to)} s`);
    for (const [name, line] of [["bound", "live-bound"], ["incumbent", "live-plan"]]) {
      const points = known.flatMap((one, at) => {
        const place = `${x(one.elapsed_s).toFixed(1)},${y(one[name]).toFixed(1)}`;
        const before = known[at - 1]; // it holds until the next is known: a step
        return before ? [`${x(one.elapsed_s).toFixed(1)},${y(before[name]).toFixed(1)}`, place] : [place];
      });
      add("polyline", { points: points.join(" "), class: line });
    }
  }
})();
