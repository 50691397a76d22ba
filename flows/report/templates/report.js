"use strict";
// The page reads complete without this: it turns drawings into charts one can zoom, and compares two chosen versions.

const embedded = (id) => JSON.parse(document.getElementById(id).textContent);

// --- charts ---------------------------------------------------------------------------------------------------------

const LIGHT = new Map(
  [...document.styleSheets[0].cssRules[0].style].map((name) => [
    document.styleSheets[0].cssRules[0].style.getPropertyValue(name).trim(), name,
  ]),
);

function inScheme(figure) {
  const now = getComputedStyle(document.documentElement);
  const text = JSON.stringify(figure).replace(/#[0-9a-f]{6}/g, (colour) =>
    LIGHT.has(colour) ? now.getPropertyValue(LIGHT.get(colour)).trim() : colour);
  return JSON.parse(text);
}

const EXTRA = ["select2d", "lasso2d", "toImage", "autoScale2d"];

async function unpackPlotly() {
  const packed = document.getElementById("plotly").textContent.trim();
  if (!packed || !("DecompressionStream" in window)) return false;
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  return "Plotly" in window;
}

function turn(name, figure) {
  const place = document.getElementById(`chart-${name}`);
  let live = place.querySelector(".turned");
  if (live === null) {
    live = document.createElement("div");
    live.className = "turned";
    place.prepend(live);
    place.classList.add("live");
  }
  const shown = inScheme(figure);
  const narrow = place.clientWidth < 560;
  if (narrow) Object.assign(shown.layout.legend, { y: -0.1, yanchor: "top", font: { ...shown.layout.legend.font, size: 11 } });
  if (narrow) Object.assign(shown.layout.margin, { r: 4 });
  return Plotly.react(live, shown.data, shown.layout, { responsive: true, displaylogo: false, displayModeBar: !narrow, modeBarButtonsToRemove: EXTRA });
}

// A chart becomes one to zoom when its section is opened: it takes its width from there.
async function turnShown() {
  const shown = Object.entries(embedded("figures")).filter(([name]) =>
    document.getElementById(`chart-${name}`).checkVisibility());
  if (!shown.length || !("Plotly" in window || (await unpackPlotly()))) return;
  await Promise.all(shown.map(([name, figure]) => turn(name, figure)));
  for (const [name] of shown) document.getElementById(`chart-${name}`).dataset.ready = "yes";
}

// --- sections -------------------------------------------------------------------------------------------------------

const sections = [...document.querySelectorAll("details")];

// A link to something inside a closed section opens it; paper has all of them open.
function openTo(hash) {
  const target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
  if (!target) return;
  for (let at = target.querySelector(":scope > details") ?? target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
}

let closed = [];
addEventListener("beforeprint", () => {
  closed = sections.filter((each) => !each.open);
  for (const each of closed) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of closed) each.open = false;
});
addEventListener("hashchange", () => openTo(location.hash));
for (const each of sections) each.addEventListener("toggle", turnShown);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", turnShown);

// --- two versions ---------------------------------------------------------------------------------------------------

const comparisons = embedded("comparisons");
const MIRRORED = { better: "worse", worse: "better" };
function number(value, sign = false) {
  if (value === null || value === undefined) return "–";
  const digits = Math.abs(value).toFixed(4);
  if (Number(digits) === 0) return digits;
  return `${value < 0 ? "−" : sign ? "+" : ""}${digits}`;
}

// A recorded value as the page's other tables show it.
function brief(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(text)) return `${text.slice(0, 10)} ${text.slice(11, 16)} UTC`;
  return /^[0-9a-f]{32,64}$/.test(text) ? `${text.slice(0, 10)}…` : text;
}

// What registry.compare says of b beside a, from the pair as it was compared, the earlier version first.
function compared(i, j) {
  const a = comparisons.versions[i], b = comparisons.versions[j];
  return comparisons.metrics.flatMap((name, at) => {
    const cell = comparisons.pairs[i < j ? `${i} ${j}` : `${j} ${i}`][at];
    if (cell === null) return [];
    const [place, from, to, why] = cell;
    const [low, high] = from === null || i < j ? [from, to] : [-to, -from];
    const status = i < j ? comparisons.statuses[place] : (MIRRORED[comparisons.statuses[place]] ?? comparisons.statuses[place]);
    const x = a.metrics[name] ?? null, y = b.metrics[name] ?? null;
    const difference = x === null || y === null ? null : y - x;
    const origin = comparisons.reasons[why];
    const reason = low === null ? origin : `95 % interval ${number(low, true)} … ${number(high, true)} from ${origin}`;
    return [{ name, x, y, difference, status, reason }];
  });
}

function differences(i, j) {
  const a = comparisons.versions[i].facts, b = comparisons.versions[j].facts, rows = [];
  for (const kind of ["parameters", "data", "environment"]) {
    for (const name of new Set([...Object.keys(a[kind]), ...Object.keys(b[kind])])) {
      const [x, y] = [a[kind][name], b[kind][name]];
      if (JSON.stringify(x) !== JSON.stringify(y)) rows.push({ kind, name, x, y });
    }
  }
  return rows;
}

function cells(row, values, classes = []) {
  values.forEach((value, at) => {
    const cell = document.createElement(at === 0 ? "th" : "td");
    cell.textContent = value;
    if (classes[at]) cell.className = classes[at];
    row.append(cell);
  });
}

function showPair() {
  const [i, j] = ["first", "second"].map((id) => Number(document.getElementById(id).value));
  const [a, b] = [comparisons.versions[i], comparisons.versions[j]];
  document.getElementById("comparison-title").textContent =
    i === j ? "Choose two different versions." : `${b.version} (${b.recipe}) beside ${a.version} (${a.recipe}).`;
  document.getElementById("name-a").textContent = a.version;
  document.getElementById("name-b").textContent = b.version;
  const [metrics, others] = ["comparison", "differences"].map((id) => document.querySelector(`#${id} tbody`));
  metrics.replaceChildren();
  others.replaceChildren();
  if (i === j) return;
  for (const each of compared(i, j)) {
    const shown = [each.name, each.status, number(each.x), number(each.y), number(each.difference, true), each.reason];
    cells(metrics.insertRow(), shown, ["", `status-${each.status.replaceAll(" ", "-")}`]);
  }
  for (const each of differences(i, j)) {
    cells(others.insertRow(), [each.kind, each.name, brief(each.x), brief(each.y)], ["", "", "value", "value"]);
  }
}

function offerVersions() {
  const last = comparisons.versions.length - 1;  // the newest night's versions stand on the same bars, so they come first
  const night = comparisons.versions.findIndex((each) => each.night === comparisons.versions[last].night);
  const chosen = { first: night < last ? night : last - 1, second: last };
  for (const [id, at] of Object.entries(chosen)) {
    const select = document.getElementById(id);
    comparisons.versions.forEach((each, place) => {
      const words = [each.version, each.recipe, each.night, each.was_champion ? "champion" : null];
      select.add(new Option(words.filter(Boolean).join(", "), place, false, place === at));
    });
    select.addEventListener("change", showPair);
  }
  showPair();
}

if (comparisons.versions.length > 1) offerVersions();
openTo(location.hash);
document.body.dataset.ready = "yes";
