// Draws the pictures of a plan. Each has its table on the page; without script there is
// only that. Charts run without eval: vega's expressions are interpreted.
import { expressionInterpreter } from "./vendor/vega-interpreter.js";

const SVG = "http://www.w3.org/2000/svg";
const root = document.documentElement;
const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
const data = (id) => JSON.parse(document.getElementById(id).textContent);
const chart = (name) => document.querySelector(`[data-chart="${name}"]`);

// timeline ------------------------------------------------------------------------

let view = null;

function timelineSpec(said) {
  const ink = colour("ink"), accent = colour("accent"), muted = colour("muted");
  const date = (field) => ({ field, type: "temporal", scale: { type: "utc" } });
  const row = {
    field: "line", type: "nominal", sort: null,
    axis: { title: null, labelFontSize: 10.5, labelLimit: innerWidth < 700 ? 90 : 220, ticks: false, domain: false },
  };
  const tip = [
    { field: "bin_id", title: "Bin" },
    { field: "request_id", title: "Request" },
    { field: "customer", title: "Customer" },
    { field: "system", title: "System" },
  ];
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: null,
    width: "container",
    height: { step: 15 },
    autosize: { type: "fit-x", contains: "padding" },
    data: { values: said.lanes },
    layer: [
      {
        mark: { type: "rule", color: muted, strokeWidth: 1.5, strokeDash: [3, 2] },
        encoding: { x: { ...date("ready_on"), title: null }, x2: { field: "starts_on" }, y: row },
      },
      {
        mark: { type: "bar", color: accent, height: 8 },
        encoding: { x: date("starts_on"), x2: { field: "forecast_on" }, y: row, tooltip: tip },
      },
      {
        transform: [{ filter: "datum.solo_forecast_on !== null" }],
        mark: { type: "point", shape: "diamond", color: ink, filled: false, size: 45 },
        encoding: { x: date("solo_forecast_on"), y: row },
      },
      {
        transform: [{ filter: "datum.needed_by !== null" }],
        mark: { type: "point", shape: "triangle-right", color: colour("warn"), filled: true, size: 55 },
        encoding: { x: date("needed_by"), y: row },
      },
    ],
    config: {
      font: "system-ui, sans-serif",
      axis: { labelColor: ink, titleColor: ink, gridColor: colour("faint"), tickColor: muted, domainColor: muted },
      view: { stroke: null },
      scale: { bandPaddingInner: 0.2 },
    },
  };
}

async function timeline() {
  const place = chart("timeline");
  if (!place) return;
  place.hidden = false;
  const compiled = globalThis.vegaLite.compile(timelineSpec(data("timeline-data")), {
    logger: globalThis.vega.logger(globalThis.vega.Error),
  });
  if (view) view.finalize();
  view = new globalThis.vega.View(
    globalThis.vega.parse(compiled.spec, null, { ast: true }),
    { expr: expressionInterpreter, renderer: "canvas", container: place, hover: false },
  );
  view.description("Timeline of the combined reviews; the table below holds every date.");
  await view.runAsync();
}

// map -------------------------------------------------------------------------------

function drawn(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

async function map() {
  const place = chart("map");
  if (!place) return;
  const atlas = await (await fetch(place.dataset.atlas)).json();
  const { d3, topojson } = globalThis;
  const shapes = topojson.feature(atlas, atlas.objects.countries).features;
  const said = new Map(data("map-data").map((one) => [one.number, one]));
  const all = shapes.filter((one) => said.has(one.id));
  const gain = all.filter((one) => said.get(one.id).share > 0);
  const ours = gain.length ? gain : all;
  const width = 900, height = 460;
  const projection = d3.geoNaturalEarth1();
  if (ours.length) {
    // Mainlands only: a country's far islands would make the rest small.
    const points = { type: "MultiPoint", coordinates: ours.map((one) => largest(d3, one)) };
    projection.fitExtent([[70, 50], [width - 70, height - 50]], points);
    const whole = d3.geoNaturalEarth1().fitSize([width, height], { type: "Sphere" });
    if (projection.scale() > whole.scale() * 6) {
      const middle = d3.geoCentroid(points);
      projection.scale(whole.scale() * 6).translate([0, 0]);
      const at = projection(middle);
      projection.translate([width / 2 - at[0], height / 2 - at[1]]);
    }
  } else {
    projection.fitSize([width, height], { type: "Sphere" });
  }
  projection.clipExtent([[0, 0], [width, height]]);
  const path = d3.geoPath(projection);
  const svg = drawn("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "Map of the customers by their share of the saving; the table below holds every figure.",
  }, place);
  drawn("rect", { width, height, class: "sea" }, svg);
  const most = Math.max(1, ...[...said.values()].map((one) => one.share));
  const labels = new Map();
  for (const shape of shapes) {
    const line = path(shape);
    if (!line) continue;
    const one = said.get(shape.id);
    const made = drawn("path", { d: line, class: one ? "land in" : "land" }, svg);
    if (!one) continue;
    made.dataset.share = one.share;
    made.setAttribute("fill-opacity", 1);
    made.style.fill = mixed(Math.sqrt(Math.max(0, one.share) / most));
    drawn("title", {}, made).textContent = `${one.name}: ${one.share} staff-days, ${one.together} of ${one.requests} requests together`;
    const area = d3.geoArea(shape);
    if (!(labels.get(one.code)?.area > area)) {
      labels.set(one.code, { area, share: one.share, at: projection(largest(d3, shape)) });
    }
  }
  // Where two names would stand on each other, that of the larger share stays.
  const placed = [];
  for (const [code, { at }] of [...labels].sort((a, b) => b[1].share - a[1].share)) {
    if (!at || placed.some((other) => Math.abs(other[0] - at[0]) < 22 && Math.abs(other[1] - at[1]) < 10)) continue;
    if (at[0] < 8 || at[1] < 8 || at[0] > width - 8 || at[1] > height - 8) continue;
    placed.push(at);
    drawn("text", { x: at[0], y: at[1] + 3, class: "map-label" }, svg).textContent = code;
  }
  place.hidden = false;
  document.addEventListener("theme", () => {
    for (const made of svg.querySelectorAll("[data-share]")) {
      made.style.fill = mixed(Math.sqrt(Math.max(0, made.dataset.share) / most));
    }
  });
}

function largest(d3, shape) {
  if (shape.geometry.type !== "MultiPolygon") return d3.geoCentroid(shape);
  let best = null, most = -1;
  for (const coordinates of shape.geometry.coordinates) {
    const part = { type: "Polygon", coordinates };
    const area = d3.geoArea(part);
    if (area > most) { most = area; best = part; }
  }
  return d3.geoCentroid(best);
}

function mixed(share) {
  return `color-mix(in oklab, ${colour("accent")} ${Math.round(12 + 78 * share)}%, ${colour("paper")})`;
}

// graph -----------------------------------------------------------------------------

let graphs = null;

function graph() {
  const place = chart("graph");
  if (!place) return;
  // cytoscape would write a style element, which our pages forbid; it does not where one
  // of this name is there already.
  if (!document.getElementById("__________cytoscape_stylesheet")) {
    const stand = document.createElement("meta");
    stand.id = "__________cytoscape_stylesheet";
    document.head.append(stand);
  }
  place.hidden = false;
  const said = data("graph-data");
  const most = Math.max(1, ...said.edges.map((one) => one.bins));
  const largest = Math.max(1, ...said.nodes.map((one) => one.requests));
  if (graphs) graphs.destroy();
  graphs = globalThis.cytoscape({
    container: place,
    elements: [
      ...said.nodes.map((one) => ({ data: { id: one.id, size: 30 + 22 * Math.sqrt(one.requests / largest) } })),
      ...said.edges.map((one) => ({
        data: { source: one.from, target: one.to, width: 1 + 7 * one.bins / most, label: String(one.bins) },
      })),
    ],
    layout: { name: "cose", animate: false, randomize: false, nodeRepulsion: () => 60000, idealEdgeLength: () => 90, padding: 20 },
    userZoomingEnabled: false,
    boxSelectionEnabled: false,
    style: [
      { selector: "node", style: { "background-color": colour("accent"), color: colour("accent-ink"), label: "data(id)", "font-size": 11, "text-valign": "center", "text-halign": "center", width: "data(size)", height: "data(size)" } },
      { selector: "edge", style: { "line-color": colour("edge"), width: "data(width)", label: "data(label)", "font-size": 11, color: colour("ink"), "text-background-color": colour("paper"), "text-background-opacity": 1, "text-background-padding": 1, "curve-style": "haystack" } },
    ],
  });
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", "Graph of the customers that share reviews; the table below holds every pair.");
}

// -------------------------------------------------------------------------------------

document.addEventListener("theme", () => { timeline(); graph(); });
await Promise.all([timeline(), map(), Promise.resolve().then(graph)]);
