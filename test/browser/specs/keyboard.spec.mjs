// With the keyboard alone: no mouse, no element that focus cannot reach or leaves unseen.
import { booth, enter, expect, test } from "../harness.mjs";

const b = booth();

// to presses Tab until what has the focus answers to a role and a name, and makes sure that focus is seen on the way.
async function to(page, what, most = 60) {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press("Tab");
    if (await what.evaluateAll((all) => all.includes(document.activeElement))) {
      const seen = await page.evaluate(() => {
        const it = document.activeElement, style = getComputedStyle(it), box = it.getBoundingClientRect();
        const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none";
        return { ringed, inside: box.bottom > 0 && box.top < innerHeight && box.width > 0 };
      });
      expect(seen, `focus on ${what}`).toEqual({ ringed: true, inside: true });
      return;
    }
  }
  throw new Error(`no way by Tab to ${what}`);
}

test("by keyboard: skip link, the form, save, copy, rotate", async ({ window }) => {
  const page = await window({ permissions: ["clipboard-read", "clipboard-write"] });
  await enter(page, b.link);
  await page.goto(`${b.console}/t/demo/clients`);
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await to(page, page.getByRole("link", { name: "New OAuth client credentials" }), 3); // the menu is behind us
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "New OAuth client credentials" })).toBeVisible();

  await to(page, page.getByLabel("Name", { exact: true }));
  await page.keyboard.type("Typed by hand");
  await to(page, page.getByLabel("Description"), 1);
  await page.keyboard.type("no mouse");
  await to(page, page.getByRole("checkbox", { name: "Workflows API" }));
  await page.keyboard.press("Space");
  await to(page, page.locator("input[name=ends]"));
  await page.keyboard.press("ArrowDown");
  await to(page, page.locator("summary", { hasText: "Advanced: grants" }));
  await page.keyboard.press("Enter");
  await to(page, page.getByLabel("Token lifetime"));
  await page.keyboard.type("10m");
  await to(page, page.getByRole("button", { name: "Save and generate credentials" }));
  await page.keyboard.press("Enter");

  await expect(page.getByText("The secret is shown this once.")).toBeVisible();
  const secret = await page.locator("#client-secret").innerText();
  await to(page, page.getByRole("button", { name: "Copy the client secret" }));
  await page.keyboard.press("Enter");
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await to(page, page.getByRole("link", { name: "I have saved both" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: /Typed by hand/ })).toBeVisible();

  await to(page, page.locator("summary", { hasText: "Rotate: make a new secret" }));
  await page.keyboard.press("Enter");
  await to(page, page.getByRole("button", { name: "Rotate and show the new secret" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("The old secret works until")).toBeVisible();
});

test("by keyboard at 360 px: the menu opens, and leads on", async ({ window }) => {
  const page = await window({ viewport: { width: 360, height: 740 } });
  await enter(page, await b.again());
  await page.goto(`${b.console}/t/demo`);
  const keys = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Signing keys" });
  await expect(keys).toBeHidden();
  for (let i = 0; i < 6 && !(await page.locator("#menu").evaluate((it) => it === document.activeElement)); i++) await page.keyboard.press("Tab");
  await expect(page.locator("#menu")).toBeFocused();
  await page.keyboard.press("Space");
  await expect(keys).toBeVisible();
  await to(page, keys);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Signing keys" })).toBeVisible();
});
