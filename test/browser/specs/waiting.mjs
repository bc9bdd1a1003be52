// What makes a page wait, where the demo is too quick: its answers are held up on their way to the browser.
import { readFileSync } from "node:fs";
import path from "node:path";

const templates = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../../../internal/console/templates");
const template = (name) => readFileSync(path.join(templates, name), "utf8").replace(/\{\{\/\*[^]*?\*\/\}\}/g, "").replace(/\{\{define "[a-z]+"\}\}([^]*)\{\{end\}\}\s*$/, "$1");

// mark is what stands where clients are being read.
const mark = (clients) => template("_reading.html").trim().replace("{{.}}", `The clients of this tenant are being read: ${clients} so far.`);

// reading lets an address answer with the page that says what is being read, until its ready() is called. asked counts how often it was asked for.
export async function reading(page, address, whole = true) {
  const r = { asked: 0, over: false, ready() { r.over = true; } };
  await page.route(address, async (route) => {
    r.asked++;
    const answer = await route.fetch();
    if (r.over) return route.fulfill({ response: answer });
    const here = `${r.asked},000`, text = await answer.text();
    const body = whole ? text.replace(/(<main[^>]*>)[^]*(<\/main>)/, (_, open, close) => open + template("reading.html").replace('{{template "reading" .Page.Text}}', mark(here)) + close)
      : text.replace(/(<h2>Expiring soon<\/h2>)[^]*?(<\/section>)/, (_, open, close) => `${open}${mark(here)}<p><a href="">Look again</a></p>${close}`);
    return route.fulfill({ response: answer, body, status: whole ? 503 : 200 });
  });
  return r;
}

// exporting makes each export on the next pages a stream that the test feeds: send a part, end it, or break it off.
export async function exporting(page) {
  await page.addInitScript(() => {
    const real = globalThis.fetch;
    globalThis.fetch = (address, options) => {
      if (!String(address).includes("progress=yes")) return real(address, options);
      const stream = new ReadableStream({ start(to) {
        globalThis.feed = to;
        options.signal.addEventListener("abort", () => { try { to.error(new DOMException("", "AbortError")); } catch { /* ended */ } });
      } });
      return Promise.resolve(new Response(stream, { headers: { "Content-Type": "text/csv", "Content-Disposition": 'attachment; filename="audit-demo-now.csv"' } }));
    };
  });
  return {
    send: (text) => page.evaluate((text) => globalThis.feed.enqueue(new TextEncoder().encode(text)), text),
    much: (megabytes) => page.evaluate((n) => { const one = new Uint8Array(2 ** 20).fill(65); for (let i = 0; i < n; i++) globalThis.feed.enqueue(one); }, megabytes),
    end: () => page.evaluate(() => globalThis.feed.close()),
    fail: () => page.evaluate(() => globalThis.feed.error(new TypeError("network error"))),
  };
}

// told is a line that says how far an export is.
export const told = (at) => `\x1e${JSON.stringify(at)}\n`;
