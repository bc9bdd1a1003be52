// The form for new credentials: how tall it is, what it asks before it makes a client that can do nothing, and how it says what is wrong.
import { booth, enter, expect, test } from "../harness.mjs";

const b = booth();

test("the form fits: at most 1,000 px high at 1280 px, details closed, with text as large as elsewhere", async ({ window }) => {
  const page = await window();
  await enter(page, b.link);
  await page.goto(`${b.console}/t/demo/new-client`);
  expect(await page.locator("details.more[open]").count()).toBe(0);
  const seen = await page.evaluate(() => ({ page: document.querySelector(".form-page").getBoundingClientRect().bottom + scrollY,
    label: parseFloat(getComputedStyle(document.querySelector(".form-page label[for=name]")).fontSize),
    small: Math.min(...[...document.querySelectorAll(".form-page small, .form-page .hint")].map((it) => parseFloat(getComputedStyle(it).fontSize))),
    body: parseFloat(getComputedStyle(document.body).fontSize) }));
  expect(seen.page).toBeLessThanOrEqual(1000);
  expect(seen.label).toBe(seen.body);
  expect(seen.small).toBeGreaterThanOrEqual(12.5);
  await expect(page.getByRole("checkbox", { name: "Allow token requests without a body" })).toBeChecked(); // as the tenant has it
});

test("Enter in the name makes no client without permissions until that is confirmed", async ({ window }) => {
  const page = await window();
  await enter(page, await b.again());
  await page.goto(`${b.console}/t/demo/new-client`);
  await page.getByLabel("Name", { exact: true }).fill("Typed too fast");
  await page.getByLabel("Name", { exact: true }).press("Enter");
  await expect(page.getByRole("alert")).toContainText("Choose at least one permission");
  await expect(page.locator("#permissions")).toBeFocused();
  await page.getByRole("checkbox", { name: "This client needs no permissions" }).check();
  await page.getByRole("button", { name: "Save and generate credentials" }).click();
  await expect(page.locator("#client-secret")).toBeVisible();
});

test("all problems are shown at once, with the focus on the first, and each leads to its field", async ({ window }) => {
  const page = await window();
  await enter(page, await b.again());
  await page.goto(`${b.console}/t/demo/new-client`);
  await page.getByLabel("Name", { exact: true }).fill(" ");
  await page.getByRole("checkbox", { name: "NQL API" }).check();
  await page.getByText("Advanced: grants").click();
  await page.getByLabel("Allowed IP addresses").fill("10.0.0.5/8");
  await page.getByLabel("Token lifetime").fill("soon");
  await page.getByRole("button", { name: "Save and generate credentials" }).click();
  const list = page.getByRole("alert");
  await expect(list.getByRole("listitem")).toHaveText([/^Name: /, /^Allowed IP addresses: /, /^Token lifetime: /]);
  await expect(page.getByLabel("Name", { exact: true })).toBeFocused();
  for (const field of ["name", "allow_from", "lifetime"]) await expect(page.locator(`#${field}-error`)).toBeVisible();
  await list.getByRole("link", { name: "Token lifetime" }).click();
  await expect(page.locator("#lifetime")).toBeInViewport();
});

test("Escape closes the credentials and loses nothing; the dialog takes its place in the page", async ({ window }) => {
  const page = await window();
  await enter(page, await b.again());
  await page.goto(`${b.console}/t/demo/new-client`);
  await page.getByLabel("Name", { exact: true }).fill("Escaped");
  await page.getByRole("checkbox", { name: "NQL API" }).check();
  await page.getByRole("button", { name: "Save and generate credentials" }).click();
  const secret = await page.locator("#client-secret").innerText();
  await page.keyboard.press("Escape");
  await expect(page.locator("#client-secret")).toHaveText(secret);
  expect(await page.getByRole("dialog").evaluate((it) => it.open && !it.matches(":modal"))).toBe(true);
});
