// What is done with every page, by one spec for the desk and one for the phone.
import { mkdirSync } from "node:fs";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { booth, enter, expect, password, test, traffic } from "../harness.mjs";
import { inside, outside, prove } from "./pages.mjs";

const screens = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../artefacts/screens");

const tallest = 4000; // pixels of a picture: what follows on a longer page is more of the same

// look opens a page once and sees it light, then dark: axe finds nothing, and the page does not scroll sideways.
async function look(page, s, it, size) {
  if (it.open) await it.open(page, s);
  else await page.goto(s.console + (typeof it.path === "function" ? it.path(s) : it.path));
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const clip = await page.evaluate((most) => ({ x: 0, y: 0, width: innerWidth, height: Math.min(document.documentElement.scrollHeight, most) }), tallest);
    await page.screenshot({ path: path.join(screens, `${it.name}-${size}-${colorScheme}.png`), fullPage: true, clip, animations: "disabled" });
    expect.soft(await faults(page, colorScheme), `${it.name}, ${size}, ${colorScheme}`).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect.soft(wide, `${it.name} scrolls sideways at ${size}`).toBeLessThanOrEqual(0);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  for (const link of await page.locator("a[href]:not([href^='#'])").evaluateAll((all) => all.map((a) => a.href.replace(/#.*/, "")))) {
    if (link.startsWith(s.console + "/") && !s.links.has(link)) s.links.set(link, it.name);
  }
}

// dead are the links that lead nowhere, with the page that has them.
async function dead(page, links) {
  return page.evaluate((links) => Promise.all(links.map(async ([link, on]) => {
    const { status } = await fetch(link, { redirect: "manual" });
    return status < 400 ? "" : `${link} on ${on}: ${status}`;
  })).then((all) => all.filter(Boolean)), [...links]);
}

// faults are axe's. Once it has looked at a page in one scheme, only colours can differ in the other.
async function faults(page, colorScheme) {
  const only = { resultTypes: ["violations"] };
  const { violations, passes } = colorScheme === "light"
    ? await new AxeBuilder({ page }).setLegacyMode(true).options(only).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze() // legacy: within the page; there are no frames
    : await page.evaluate((only) => globalThis.axe.run({ ...only, runOnly: ["color-contrast"] }), only);
  expect(passes.length, "axe looked").toBeGreaterThan(0);
  return violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join("; ")}`);
}

export function lookAtEverything(size, viewport) {
  const b = booth();
  test.setTimeout(600_000);

  test(`every page, ${size}, light and dark: axe finds nothing, no page scrolls sideways, no link is dead`, async ({ window }) => {
    mkdirSync(screens, { recursive: true });
    const page = await window({ viewport });
    await traffic(b, 12);
    await b.restart();
    const s = { ...b, links: new Map(), id: b.vars.OAUTH2_CLIENT_ID, unused: new URL(await b.invite("unused@demo.localhost", "Not yet here", "viewer@demo")).href.slice(b.console.length) };
    for (const it of outside) await look(page, s, it, size);
    await enter(page, b.link);
    const proof = await password(page, b.console);
    await prove(page, s, proof);
    await page.goto(`${s.console}/t/demo/keys`);
    s.kid = await page.locator(".desk-kid code").first().innerText();
    await page.goto(`${s.console}/t/demo/audit?outcome=refused`);
    s.event = await page.getByRole("region", { name: "Events" }).getByRole("link").first().getAttribute("href");
    await page.goto(`${s.console}/operators`);
    s.operator = await page.getByRole("link", { name: "Not yet here" }).getAttribute("href");
    for (const it of inside) await look(page, s, it, size);
    expect.soft(await dead(page, s.links), "links that lead nowhere").toEqual([]);
  });
}
