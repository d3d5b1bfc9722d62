// Reads the daemon's snapshot once a second and draws it. Data is only ever set as text; addresses
// are relative, so that the page also works under a path of a proxy.
"use strict";
const asked = new URLSearchParams(location.search).get("lang") || localStorage.getItem("language");
let language = ["zh", "en"].includes(asked) ? asked : navigator.language.startsWith("en") ? "en" : "zh";
let snapshot = null, ledger = null, points = [], events = [], looking = false;

const $ = (id) => document.getElementById(id);
const word = (key, ...values) =>
  values.reduce((text, value, place) => text.replace(`{${place}}`, () => value), WORDS[language][key] || key);
const yuan = (micro) => "¥" + (micro / 1e6).toFixed(2);
const offerName = (o) => `${o.zone} ${o.family} ${o.cpu}c${o.ram_gib}g${o.gpus}gpu`;
const two = (number) => String(number).padStart(2, "0");
function clock(ms) {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
function day(ms) {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
// Sentences carry moments in UTC; people read the clock on their wall.
function localised(text) {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (stamp) => {
    const at = Date.parse(stamp);
    return day(at) === day(snapshot.at) ? clock(at) : `${day(at)} ${clock(at)}`;
  });
}
const said = (fact) => localised(fact[language]);
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

class SignInFirst extends Error {}
async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (answer.status === 401) throw new SignInFirst();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function look() {
  if (looking || !$("sign-in").hidden || (document.hidden && snapshot)) return;
  looking = true;
  try {
    [snapshot, { events }, { points }, ledger] = await Promise.all([
      get("api/v1/status"), get("api/v1/journal?limit=120"), get("api/v1/history"), get("api/v1/spend"),
    ]);
    draw();
  } catch (fault) {
    if (fault instanceof SignInFirst) askForToken();
    else {
      $("stale").hidden = false;
      $("stale").textContent = word("unreachable");
    }
  } finally {
    looking = false;
  }
}

// Signing in: the token is sent once, for a cookie that no script can read.
function askForToken() {
  for (const id of ["farm-view", "stale", "paused", "retiring", "faults", "sign-out"]) $(id).hidden = true;
  localStorage.removeItem("signed-in");
  $("sign-in").hidden = false;
  drawWords();
  $("token").focus();
}
const X = { "X-Farmscale": "1" };
$("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ token: $("token").value.trim() });
  const headers = { ...X, "Content-Type": "application/json" };
  const answer = await fetch("session", { method: "POST", headers, body }).catch(() => null);
  $("sign-in-fault").textContent =
    answer === null ? word("unreachable") : answer.ok ? "" : word("token_wrong");
  if (answer === null || !answer.ok) return;
  $("token").value = "";
  $("sign-in").hidden = true;
  localStorage.setItem("signed-in", "1");
  look();
});
$("sign-out").addEventListener("click", async () => {
  await fetch("session", { method: "DELETE", headers: X }).catch(() => null);
  askForToken();
});

function drawWords() {
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll("[data-word]")) place.textContent = word(place.dataset.word);
  $("language").textContent = word("other");
}

function draw() {
  drawWords();
  $("farm-view").hidden = false;
  $("sign-out").hidden = localStorage.getItem("signed-in") === null;
  $("farm").textContent = snapshot.farm;
  $("clock").textContent = `${day(snapshot.at)} ${clock(snapshot.at)}`;
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
  $("retiring").hidden = snapshot.retiring === null;
  $("retiring").textContent = word("retiring", snapshot.retiring);
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
  ].map(([value, key]) => [value, key, "", "figure"]);
  const caps = ledger.caps.map((cap) =>
    [`${yuan(cap.committed)} / ${yuan(cap.cap)}`, `f_cap_${cap.span}`, cap.pool || "", "figure pair"]);
  $("figures").replaceChildren(...[...all, ...caps].map(([value, key, of, kind]) =>
    element("div", kind, element("b", "", String(value)), element("span", "", `${word(key)} ${of}`))));
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
// A chart's scales and grid; `top` is the highest value, `label` names it, `name` says what it shows.
function canvas(id, top, label, name) {
  const svg = $(id), width = svg.clientWidth || 800, height = svg.clientHeight || 200;
  const left = 44, bottom = height - 20, from = points[0].at, to = Math.max(points.at(-1).at, from + 1);
  const x = (at) => left + ((at - from) / (to - from)) * (width - left - 6);
  const y = (value) => bottom - (value / top) * (bottom - 8);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", name);
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
  const last = points.at(-1);
  const name = `${word("fleet")}: ${machines(last)} ${word("f_machines")}, ${work(last)} ${word("queue")}`;
  const { svg, x, y } = canvas("fleet-chart", top, (value) => String(Math.round(value)), name);
  let floor = points.map(() => 0);
  ["ready", "coming", "going", "stopped"].forEach((kind, place) => {
    const roof = points.map((point, number) => floor[number] + point.machines[place]);
    const upper = points.map((point, number) => [point.at, roof[number]]);
    const lower = points.map((point, number) => [point.at, floor[number]]).reverse();
    svg.append(shape("path", { class: kind, d: `${line(upper, x, y)}L${line(lower, x, y).slice(1)}Z` }));
    svg.append(shape("path", { class: "roof", d: line(upper, x, y) }));
    floor = roof;
  });
  const queue = points.map((point) => [point.at, Math.min(work(point), top)]);
  svg.append(shape("path", { class: "queue", d: line(queue, x, y) }));
}

function moneyChart() {
  if (points.length < 2) return;
  const top = nice(Math.max(...points.map((point) => point.hourly / 1e6), 1));
  const name = `${word("money")}: ${yuan(points.at(-1).hourly)}`;
  const { svg, x, y } = canvas("money-chart", top, (value) => `¥${Math.round(value)}`, name);
  const list = points.map((point) => [point.at, point.hourly / 1e6]);
  const d = line(list, x, y);
  svg.append(shape("path", { class: "money-area", d: `${d}L${x(list.at(-1)[0])} ${y(0)}L${x(list[0][0])} ${y(0)}Z` }));
  svg.append(shape("path", { class: "money", d }));
}

// An acceptance is followed by what comes of it.
const QUIET = new Set(["change_accepted", "create_accepted"]);
function decisions() {
  const shown = events.filter((one) => one.level !== "debug" && !QUIET.has(one.kind)).reverse();
  $("decisions").replaceChildren(...shown.map((one) => element("li", one.level === "warn" ? "bad" : "",
    element("time", "", clock(one.at)), element("span", "", said(one)))));
}

function pools() {
  $("pools").replaceChildren(...snapshot.pools.map((pool) => {
    const report = pool.report;
    const reasons = report.constraints.map((one) => element("li", one.level, said(one)));
    return element("div", "pool", element("b", "", pool.name), " · ",
      word("asks", report.demand_slots, report.capacity_slots, pool.size[0], pool.size[1]),
      element("ul", "", ...(reasons.length ? reasons : [element("li", "", word("nothing"))])));
  }));
}

function table(id, columns, rows) {
  const head = element("tr", "head", ...columns.map(([key, kind]) => element("th", kind, word(key))));
  const body = rows.map((row) => element("tr", "", ...row.map((cell, place) => {
    const made = element("td", columns[place][1], cell);
    made.dataset.label = word(columns[place][0]);
    return made;
  })));
  $(id).replaceChildren(head, ...body);
}

function offers() {
  const rows = snapshot.offers.map((one) => [
    one.pool, offerName(one.offer), one.hourly === null ? "" : yuan(one.hourly),
    one.work_hourly === null ? "" : yuan(one.work_hourly),
    one.blocked === null ? word("yes") : said(one.blocked),
  ]);
  table("offers", [["pool", "nowrap"], ["offer", ""], ["hourly", "number"], ["work", "number"], ["buy", "soft"]], rows);
}

function machines() {
  const rows = snapshot.machines.map((one) => [
    one.name, `${one.offer.zone} ${one.offer.family}`,
    element("span", "", element("i", `dot ${GROUP[one.phase]}`), word(one.phase)),
    span(snapshot.at - one.since), one.worker ? word(one.worker) : "", yuan(one.hourly), yuan(one.cost),
    said(one.now),
  ]);
  table("machines", [["machine", "name"], ["offer", "nowrap"], ["phase", "nowrap"], ["since", "number"],
    ["worker", "nowrap"], ["hourly", "number"], ["cost", "number"], ["reason", "soft"]], rows);
}

$("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
  if (snapshot && $("sign-in").hidden) draw();
  else drawWords();
});
document.addEventListener("visibilitychange", look);
drawWords();
look();
setInterval(look, 1000);
