// Reads the daemon's snapshot once a second and draws it. Data is only ever set as text.
"use strict";
const asked = new URLSearchParams(location.search).get("lang") || localStorage.getItem("language");
let language = ["zh", "en"].includes(asked) ? asked : navigator.language.startsWith("en") ? "en" : "zh";
const headers = {};
let snapshot = null, ledger = null, points = [], events = [], reasons = {};

const $ = (id) => document.getElementById(id);
const word = (key, ...values) =>
  values.reduce((text, value, place) => text.replace(`{${place}}`, value), WORDS[language][key] || key);
const yuan = (micro) => "¥" + (micro / 1e6).toFixed(2);
const offerName = (o) => `${o.zone} ${o.family} ${o.cpu}c${o.ram_gib}g${o.gpus}gpu`;
const two = (number) => String(number).padStart(2, "0");
function clock(ms) {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${two(Math.floor(s / 60) % 60)}m`;
  return `${Math.floor(s / 86400)}d${two(Math.floor(s / 3600) % 24)}h`;
}
function element(name, kind, ...inside) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(...inside);
  return made;
}
const GROUP = {
  ready: "ready", launching: "coming", booting: "coming", starting: "coming",
  draining: "going", stopping: "going", leaving: "going", stopped: "stopped",
};

async function get(path) {
  const answer = await fetch(path, { headers, cache: "no-store" });
  if (answer.status === 401) {
    const token = prompt(word("token"));
    if (token) headers.Authorization = `Bearer ${token}`;
  }
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function look() {
  if (document.hidden && snapshot) return;
  try {
    const [status, journal, history, why, spend] = await Promise.all([
      get("/api/v1/status"), get("/api/v1/journal?limit=120"), get("/api/v1/history"), get("/api/v1/why"),
      get("/api/v1/spend"),
    ]);
    ledger = spend; snapshot = status; events = journal.events; points = history.points;
    reasons = Object.fromEntries(why.pools.map((pool) => [pool.pool, pool.constraints]));
    draw();
  } catch (fault) {
    $("stale").hidden = false;
    $("stale").textContent = word("unreachable");
  }
}

function draw() {
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll("[data-word]")) place.textContent = word(place.dataset.word);
  $("language").textContent = word("other");
  $("farm").textContent = snapshot.farm;
  const at = new Date(snapshot.at);
  $("clock").textContent = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(snapshot.at)}`;
  banners();
  figures();
  legend();
  fleetChart();
  moneyChart();
  decisions();
  pools();
  offers();
  machines();
}

function banners() {
  $("stale").hidden = !snapshot.stale;
  $("stale").textContent = word("stale", span(snapshot.age));
  const pause = snapshot.paused;
  $("paused").hidden = !pause && snapshot.adopted_at !== null;
  $("paused").textContent = pause ? word("paused", pause.owner, pause.reason) : word("adopting");
  const faults = Object.entries(snapshot.faults);
  $("faults").hidden = faults.length === 0;
  $("faults").textContent = faults.map(([source, detail]) => `${source}: ${detail}`).join("\n");
}

function figures() {
  const sum = (key) => snapshot.pools.reduce((total, pool) => total + pool[key], 0);
  const oldest = Math.max(0, ...snapshot.pools.map((pool) => pool.oldest_wait || 0));
  const all = [
    [snapshot.machines.length, "f_machines"], [sum("queued"), "f_waiting"], [sum("running"), "f_running"],
    [span(oldest), "f_oldest"], [yuan(snapshot.spend.hourly), "f_hourly"], [yuan(snapshot.spend.total), "f_spent"],
    [yuan(ledger.spent_today), "f_today"], [yuan(ledger.forecast_today), "f_midnight"],
    [yuan(ledger.spent_month), "f_month"], [yuan(ledger.forecast_month), "f_month_end"],
    ...ledger.caps.map((cap) => [
      `${yuan(cap.committed)} / ${yuan(cap.cap)}`, `f_cap_${cap.span}`, cap.pool || ""]),
  ];
  $("figures").replaceChildren(...all.map(([value, key, of = ""]) =>
    element("div", "figure", element("b", "", String(value)), element("span", "", `${word(key)} ${of}`))));
}

function legend() {
  const kinds = ["ready", "coming", "going", "stopped", "queue"];
  $("legend").replaceChildren(...kinds.map((kind) => element("li", kind, word(kind))));
}

const SVG = "http://www.w3.org/2000/svg";
function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
// A chart's scales and grid; `top` is the highest value.
function canvas(id, top, label) {
  const svg = $(id), width = svg.clientWidth || 800, height = svg.clientHeight || 200;
  const left = 44, bottom = height - 20, from = points[0].at, to = Math.max(points.at(-1).at, from + 1);
  const x = (at) => left + ((at - from) / (to - from)) * (width - left - 6);
  const y = (value) => bottom - (value / top) * (bottom - 8);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  for (let part = 0; part <= 4; part += 1) {
    const value = (top * part) / 4;
    svg.append(shape("line", { class: "grid", x1: left, x2: width - 6, y1: y(value), y2: y(value) }));
    if (part % 2 === 0) svg.append(shape("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, label(value)));
  }
  const marks = width < 500 ? 3 : 6;
  for (let part = 0; part <= marks; part += 1) {
    const at = from + ((to - from) * part) / marks;
    const anchor = part === 0 ? "start" : part === marks ? "end" : "middle";
    svg.append(shape("text", { x: x(at), y: height - 5, "text-anchor": anchor }, clock(at).slice(0, 5)));
  }
  return { svg, x, y };
}
const nice = (value) => {
  const step = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 4, 8, 10].map((times) => times * step).find((top) => value <= top);
};
const line = (list, x, y) => list.map(([at, value], place) => `${place ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");

function fleetChart() {
  if (points.length < 2) return;
  const work = (point) => point.queued + point.running;
  const machines = (point) => point.machines.reduce((total, one) => total + one, 0);
  // A long queue may leave the picture; the machines never do.
  const most = Math.max(...points.map(machines), 4);
  const top = nice(Math.max(most, Math.min(Math.max(...points.map(work)), most * 2)));
  const { svg, x, y } = canvas("fleet-chart", top, (value) => String(Math.round(value)));
  let floor = points.map(() => 0);
  ["ready", "coming", "going", "stopped"].forEach((kind, place) => {
    const roof = points.map((point, number) => floor[number] + point.machines[place]);
    const upper = points.map((point, number) => [point.at, roof[number]]);
    const lower = points.map((point, number) => [point.at, floor[number]]).reverse();
    svg.append(shape("path", { class: kind, d: `${line(upper, x, y)}L${line(lower, x, y).slice(1)}Z` }));
    floor = roof;
  });
  const queue = points.map((point) => [point.at, Math.min(work(point), top)]);
  svg.append(shape("path", { class: "queue", d: line(queue, x, y) }));
}

function moneyChart() {
  if (points.length < 2) return;
  const top = nice(Math.max(...points.map((point) => point.hourly / 1e6), 1));
  const { svg, x, y } = canvas("money-chart", top, (value) => `¥${Math.round(value)}`);
  const list = points.map((point) => [point.at, point.hourly / 1e6]);
  const d = line(list, x, y);
  svg.append(shape("path", { class: "money-area", d: `${d}L${x(list.at(-1)[0])} ${y(0)}L${x(list[0][0])} ${y(0)}Z` }));
  svg.append(shape("path", { class: "money", d }));
}

const BAD = /refused|failed|unknown|vanished|expired/;
const QUIET = new Set(["worker_seen", "missed", "reappeared", "unmissed", "change_accepted", "create_accepted", "tombstone_dropped"]);
function decisions() {
  const shown = events.filter((one) => !QUIET.has(one.event.kind)).reverse();
  $("decisions").replaceChildren(...shown.map((one) => element("li", BAD.test(one.event.kind) ? "bad" : "",
    element("time", "", clock(one.event.at)), element("span", "", one[language]))));
}

function reasonText(bind) {
  const zh = language === "zh" && REASONS_ZH[bind.reason.blocked];
  return zh ? zh(bind.reason) : bind.words;
}
function pools() {
  $("pools").replaceChildren(...snapshot.pools.map((pool) => {
    const constraints = reasons[pool.name] || [];
    const texts = constraints.length ? constraints.map(reasonText) : [word("nothing")];
    const report = pool.report;
    return element("div", "pool", element("b", "", pool.name), " · ",
      word("asks", report.demand_slots, report.capacity_slots, pool.size[0], pool.size[1]),
      element("ul", "", ...texts.map((text) => element("li", "", text))));
  }));
}

function table(id, columns, rows) {
  const head = element("tr", "", ...columns.map(([key, kind]) => element("th", kind, word(key))));
  const body = rows.map((row) => element("tr", "", ...row.map((cell, place) => element("td", columns[place][1], cell))));
  $(id).replaceChildren(head, ...body);
}

function offers() {
  const rows = snapshot.offers.map((one) => [
    one.pool, offerName(one.offer), one.hourly === null ? "" : yuan(one.hourly),
    one.work_hourly === null ? "" : yuan(one.work_hourly),
    one.blocked === null ? word("yes") : blockedText(one.blocked),
  ]);
  table("offers", [["pool", "nowrap"], ["offer", ""], ["hourly", "number"], ["work", "number"], ["buy", "soft"]], rows);
}
function blockedText(reason) {
  const zh = REASONS_ZH[reason.blocked];
  return language === "zh" && zh ? zh(reason) : reason.blocked.replaceAll("_", " ") + (reason.detail ? `: ${reason.detail}` : "");
}

function machines() {
  const rows = snapshot.machines.map((one) => [
    one.name, `${one.offer.zone} ${one.offer.family}`,
    element("span", "", element("i", `dot ${GROUP[one.phase]}`), word(one.phase)),
    span(snapshot.at - one.since), one.worker ? word(one.worker) : "", yuan(one.hourly), yuan(one.cost),
    BECAUSE[one.reason.because][language](one.reason),
  ]);
  table("machines", [["machine", "name"], ["offer", "nowrap"], ["phase", "nowrap"], ["since", "number"],
    ["worker", "nowrap"], ["hourly", "number"], ["cost", "number"], ["reason", "soft"]], rows);
}

$("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
  if (snapshot) draw();
});
document.addEventListener("visibilitychange", look);
look();
setInterval(look, 1000);
