// Whoever waits is told for what, and gets it without asking again.
import { readFileSync } from "node:fs";
import { booth, create, enter, expect, test } from "../harness.mjs";
import { exporting, reading, told } from "./waiting.mjs";

const b = booth();

test("a page whose clients are being read says how far they are and comes by itself; a hidden one asks for nothing", async ({ window }) => {
  const page = await window();
  await enter(page, await b.invite("wanda@demo.localhost", "Wanda Waits", "owner@demo"));
  const wait = await reading(page, `${b.console}/t/demo/clients`);
  const answer = await page.goto(`${b.console}/t/demo/clients`);
  expect(answer.status()).toBe(503);
  await expect(page.locator("[data-reading]")).toContainText("1,000 so far");
  await expect(page.locator("[data-reading]")).toContainText(/[2-9],000 so far/); // it grows
  await expect(page.getByRole("status").filter({ hasText: "being read" })).toHaveCount(1, { timeout: 10_000 }); // and is read out now and then

  const hide = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  await page.waitForTimeout(1500); // what was under way has come
  const before = wait.asked;
  await page.waitForTimeout(2500);
  expect(wait.asked, "nobody looks, and it asks").toBe(before);
  await hide(false);
  await expect.poll(() => wait.asked).toBeGreaterThan(before);

  await page.getByRole("link", { name: "Look again" }).focus();
  wait.ready();
  await expect(page.getByRole("heading", { name: "API credentials" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Nexthink integration" })).toBeVisible();
  await expect(page).toHaveTitle(/API credentials/);
  await expect(page.locator("[data-reading]")).toHaveCount(0);
  expect(await page.evaluate(() => document.activeElement.id)).toBe("main"); // and not at the top of everything
  const after = wait.asked;
  await page.waitForTimeout(2200);
  expect(wait.asked, "it has come, and is asked for again").toBe(after);
});

test("a page that can do without the clients shows the rest, and the part comes by itself", async ({ window }) => {
  const page = await window();
  await enter(page, await b.invite("wim@demo.localhost", "Wim Waits", "owner@demo"));
  const wait = await reading(page, `${b.console}/t/demo`, false);
  await page.goto(`${b.console}/t/demo`);
  await expect(page.getByText("Tokens issued", { exact: true })).toBeVisible();
  await expect(page.locator("[data-reading]")).toBeVisible();
  wait.ready();
  await expect(page.getByText("Nothing expires within 30 days.")).toBeVisible();
});

test("without JavaScript there is a link to look again", async ({ window }) => {
  const page = await window({ javaScriptEnabled: false });
  await enter(page, await b.invite("nils@demo.localhost", "Nils Noscript", "owner@demo"));
  const wait = await reading(page, `${b.console}/t/demo/clients`);
  await page.goto(`${b.console}/t/demo/clients`);
  wait.ready();
  await page.getByRole("link", { name: "Look again" }).click();
  await expect(page.getByRole("link", { name: "Nexthink integration" })).toBeVisible();
});

test("an export is saved whole, and is what the plain download has; without JavaScript it is the plain download", async ({ window }) => {
  const page = await window(), plain = await window({ javaScriptEnabled: false });
  await enter(page, await b.invite("xena@demo.localhost", "Xena Exports", "owner@demo"));
  await enter(plain, await b.invite("xaver@demo.localhost", "Xaver Exports", "owner@demo"));
  for (const format of ["CSV", "JSON"]) {
    const texts = [];
    for (const one of [page, plain]) {
      await one.goto(`${b.console}/t/demo/audit?act=client.`);
      const [file] = await Promise.all([one.waitForEvent("download"), one.getByRole("link", { name: format }).click()]);
      expect(file.suggestedFilename()).toMatch(new RegExp(`^audit-demo-\\d{8}T\\d{6}Z\\.${format.toLowerCase()}$`));
      texts.push(readFileSync(await file.path(), "utf8"));
    }
    expect(texts[0]).toContain("client.create");
    expect(texts[0]).toBe(texts[1]);
    await expect(page.locator("#export").getByRole("status")).toHaveText(/^Saved \d+ events as audit-demo-.*\.$/);
    await expect(page.getByRole("button", { name: "Cancel" })).toBeHidden();
  }
});

test("an export says how far it is, can be cancelled, and saves no part", async ({ window }) => {
  const page = await window();
  await enter(page, await b.invite("xia@demo.localhost", "Xia Exports", "owner@demo"));
  const stream = await exporting(page);
  const files = [];
  page.on("download", (file) => files.push(file));
  await page.goto(`${b.console}/t/demo/audit?since=2026-01-01T00:00&until=2026-01-11T00:00`);
  const status = page.locator("#export").getByRole("status"), bar = page.getByRole("progressbar", { name: "Looked through" });
  const soFar = page.locator("[data-export-so-far]");
  const begin = async () => { await page.getByRole("link", { name: "CSV" }).click(); await expect(status).toHaveText("Looking through the log …"); };

  await begin();
  expect(await bar.getAttribute("value")).toBeNull(); // nothing is known yet
  await stream.send("time,act\r\n1,a\r\n" + told({ events: 1000, reached: "2026-01-08T12:30:00Z" }).slice(0, 20));
  await stream.send(told({ events: 1000, reached: "2026-01-08T12:30:00Z" }).slice(20) + "2,b\r\n");
  await expect(soFar).toHaveText("1,000 events so far, back to 8 Jan 2026, 12:30 UTC.");
  expect(Number(await bar.getAttribute("value"))).toBeCloseTo(0.248, 2);
  await stream.send(told({ events: 1 }));
  await expect(soFar).toHaveText("1 event so far.");
  await page.getByRole("link", { name: "JSON" }).click();
  await expect(status).toHaveText("An export is under way: cancel it first.");
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(status).toHaveText("Cancelled. Nothing was saved.");
  await expect(bar).toBeHidden();

  await begin();
  await stream.send("time,act\r\n");
  await stream.fail();
  await expect(status).toHaveText("The export broke off. Nothing was saved; try again.");
  await begin();
  await stream.send("time,act\r\n" + told({ events: 1000 }) + "1,a\r\n");
  await stream.end(); // as a proxy ends what broke off behind it
  await expect(status).toHaveText("The export broke off. Nothing was saved; try again.");
  expect(files).toEqual([]);

  await begin();
  await stream.send("time,act\r\n" + told({ events: 100000, cut_off: true, whole: true }));
  const [whole] = await Promise.all([page.waitForEvent("download"), stream.end()]);
  await expect(status).toHaveText("Saved 100,000 events as audit-demo-now.csv. It was cut off there: narrow the search to have the rest.");
  expect(readFileSync(await whole.path(), "utf8")).toBe("time,act\r\n");

  await begin();
  const [plain] = await Promise.all([page.waitForEvent("download"), stream.much(201)]); // more than is kept in memory
  expect(plain.url()).toContain("/t/demo/audit/export?format=csv");
  expect(plain.url()).not.toContain("progress");
  await expect(status).toHaveText("It is long, so the browser downloads it.");
});

test("a form whose answer takes long says so, and is sent once however often it is pressed", async ({ window }) => {
  const page = await window();
  await enter(page, await b.invite("dora@demo.localhost", "Dora Doubles", "owner@demo"));
  const made = await create(page, b.console, { name: "Pressed twice" });
  await page.goto(`${b.console}/t/demo/clients/${made.id}/try`);
  let times = 0, go;
  const held = new Promise((done) => { go = done; });
  await page.route(`**/clients/${made.id}/try`, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    times++;
    await held;
    return route.continue();
  });
  await page.getByLabel("Secret").fill(made.secret);
  const seen = await page.evaluate(async () => { // in one go: a locator would wait for the page that is under way
    const pause = (ms) => new Promise((done) => setTimeout(done, ms)), button = document.querySelector("main form button[type=submit]");
    button.click();
    await pause(100);
    const early = button.textContent;
    await pause(500);
    const late = [button.textContent, button.getAttribute("aria-busy"), [...document.querySelectorAll("[role=status]")].map((one) => one.textContent).join("")];
    button.click();
    button.form.requestSubmit();
    await pause(300);
    return { early, late };
  });
  expect(seen).toEqual({ early: "Ask for a token", late: ["Working …", "true", "Working on it …"] });
  go();
  await expect(page.getByRole("heading", { name: "What the token says" })).toBeVisible();
  expect(times).toBe(1);
});
