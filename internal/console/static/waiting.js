// What a person waits for: pages that come by themselves once they are read, forms that say that they were sent, exports that say how far
// they are. Without it there is a link to look again, the browser's own sign of loading, and a plain download.
"use strict";

// A page, or a part of one, that is marked data-reading is not there yet. The same address is asked for until the mark is gone, and then put in
// its place. Nothing is asked for while nobody looks. A screen reader is told more seldom than the eye (data-reading-said).
const lookEvery = 1000, seldomest = 16_000, tellEvery = 5000; // milliseconds
let looking = false, told = Date.now();

async function lookAgain(pause = lookEvery) {
  const mark = document.querySelector("[data-reading]");
  looking = mark && !document.hidden;
  if (!looking) return;
  let next = Math.min(2 * pause, seldomest); // unless there is an answer
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.redirected) { location.reload(); return; } // the session has ended
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const still = page.querySelector("[data-reading]");
    if (still) {
      tellReading(mark, still.textContent);
      next = lookEvery;
    } else if (show(page)) { looking = false; return; }
  } catch { /* no answer: the next may come */ }
  setTimeout(lookAgain, next, next);
}

function tellReading(mark, text) {
  if (mark.textContent !== text) mark.textContent = text;
  const said = document.querySelector("[data-reading-said]");
  if (!said || Date.now() - told < tellEvery) return;
  told = Date.now();
  said.textContent = text;
}

// show puts the content of a page in the place of what is here, where it is one of ours and no proxy's. What was just done is said on one page
// only, so it stays.
function show(page) {
  const main = document.querySelector("main"), come = page.querySelector("main");
  if (!come) return false;
  const done = main.querySelector(":scope > .notice-ok"), focused = main.contains(document.activeElement) && document.activeElement !== main;
  document.title = page.title;
  main.replaceChildren(...(done ? [done] : []), ...come.childNodes);
  if (focused) main.focus();
  return true;
}

const beginLooking = () => { if (!looking && !document.hidden && document.querySelector("[data-reading]")) { looking = true; setTimeout(lookAgain, lookEvery); } };
document.addEventListener("visibilitychange", beginLooking);
beginLooking();

// A form that was sent says so when the answer takes long enough for somebody to press again, and for a while it is not sent twice. After that it
// may be: whoever stopped the page from loading could never send it again otherwise. One whose answer is a file (data-stays) leaves its page
// where it is, so it has no end that could be seen from here.
const longWait = 300, lostAfter = 20_000; // milliseconds
const sent = new Map(); // forms under way: since when, and what takes the signs of it away

document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter ?? form.querySelector("[type=submit]");
  if (event.defaultPrevented || form.hasAttribute("data-stays")) return;
  const before = sent.get(form);
  if (before && form.method === "post" && Date.now() - before.at < lostAfter) { event.preventDefault(); return; }
  before?.end(); // what is sent now may be something else: a search, or a second try
  const said = document.createElement("p"); // for a screen reader, which has to know of it before there is something in it
  said.className = "hidden-visually";
  said.setAttribute("role", "status");
  document.body.append(said);
  let restore = () => {};
  const late = setTimeout(() => {
    said.textContent = "Working on it …";
    if (!button) return;
    const kept = [...button.childNodes], wide = button.offsetWidth;
    restore = () => { button.replaceChildren(...kept); button.removeAttribute("aria-busy"); button.style.minWidth = ""; };
    button.style.minWidth = `${wide}px`;
    button.setAttribute("aria-busy", "true");
    button.textContent = "Working …";
  }, longWait);
  sent.set(form, { at: Date.now(), end() { clearTimeout(late); restore(); said.remove(); sent.delete(form); } });
});
addEventListener("pageshow", (event) => { // back at a page that was kept as it was left
  if (event.persisted) for (const one of [...sent.values()]) one.end();
});

// An export (data-export names where its progress is shown) is read here, so that it can say how far it is, and saved when it is whole: a part is
// never taken for all. It is kept in memory until then: it has 100,000 events at most, some 40 MB, and one that grows beyond mostKept begins anew as
// the plain download that it is without this.
const mostKept = 200 * 2 ** 20; // bytes
let exporting = null; // an AbortController

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-export]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const place = document.querySelector(link.dataset.export);
  if (exporting) place.querySelector("[role=status]").textContent = "An export is under way: cancel it first.";
  else exportTo(link, place);
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-export-cancel]")) exporting?.abort();
});

async function exportTo(link, place) {
  const status = place.querySelector("[role=status]"), bar = place.querySelector("progress"), cancel = place.querySelector("[data-export-cancel]");
  const soFar = place.querySelector("[data-export-so-far]"), parts = []; // it changes too often to be read out
  exporting = new AbortController();
  place.hidden = bar.hidden = cancel.hidden = false;
  bar.removeAttribute("value");
  status.textContent = "Looking through the log …";
  try {
    const address = new URL(link.href);
    address.searchParams.set("progress", "yes");
    const answer = await fetch(address, { signal: exporting.signal });
    if (!answer.ok || answer.redirected) { place.hidden = true; location.assign(link.href); return; } // a page that says why
    const last = await receive(answer, parts, (at) => tellProgress(soFar, bar, at));
    const name = answer.headers.get("Content-Disposition")?.match(/filename="([^"]+)"/)?.[1] ?? "audit";
    save(new Blob(parts, { type: answer.headers.get("Content-Type") }), name);
    status.textContent = `Saved ${count(last.events)} as ${name}.${last.cut_off ? " It was cut off there: narrow the search to have the rest." : ""}`;
  } catch (fault) {
    if (fault === tooLong) { status.textContent = "It is long, so the browser downloads it."; plain(link); }
    else if (fault.name === "AbortError") status.textContent = "Cancelled. Nothing was saved.";
    else status.textContent = "The export broke off. Nothing was saved; try again.";
  } finally {
    exporting = null;
    if (cancel.contains(document.activeElement)) link.focus();
    bar.hidden = cancel.hidden = true;
    soFar.textContent = "";
  }
}

const tooLong = new Error("longer than is kept in memory");

// receive takes an export apart: lines that begin with the mark say how far it is, all else is the file. The last of them says that it is whole:
// a stream that ends without it broke off on its way, however neatly.
async function receive(answer, parts, tell) {
  const mark = 0x1e, lineEnd = 0x0a, reader = answer.body.getReader();
  let line = null, last = { events: 0 }, size = 0; // line: bytes of one that tells, as far as they have come
  const kept = (part) => {
    if (!part.length) return;
    parts.push(part);
    if ((size += part.length) > mostKept) { reader.cancel(); throw tooLong; }
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done && (line || !last.whole)) throw new Error("it broke off");
    if (done) return last;
    for (let at = 0; at < value.length;) {
      const end = value.indexOf(line ? lineEnd : mark, at), stop = end < 0 ? value.length : end, piece = value.subarray(at, stop);
      if (!line) kept(piece);
      else line.push(...piece);
      at = stop + 1;
      if (end < 0) continue;
      if (line) tell(last = JSON.parse(new TextDecoder().decode(new Uint8Array(line))));
      line = line ? null : [];
    }
  }
}

const count = (events) => events === 1 ? "1 event" : `${events.toLocaleString("en-GB")} events`;
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

// tellProgress shows how far an export is: the bar only where the search has a beginning that it goes back to.
function tellProgress(soFar, bar, at) {
  if (!at.reached) { soFar.textContent = `${count(at.events)} so far.`; return; }
  soFar.textContent = `${count(at.events)} so far, back to ${moment.format(new Date(at.reached))} UTC.`;
  const { since, until } = bar.dataset;
  if (!since) return;
  const newest = until ? Date.parse(until) : Date.now();
  bar.value = Math.min(1, Math.max(0, (newest - Date.parse(at.reached)) / (newest - Date.parse(since))));
}

function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function plain(link) {
  const again = document.createElement("a");
  again.href = link.href;
  again.download = "";
  again.click();
}
