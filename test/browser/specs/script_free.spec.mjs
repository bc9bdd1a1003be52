// Without JavaScript everything works but charts' hover, copy buttons and passkeys.
import { booth, confirm, enter, expect, password, test, token } from "../harness.mjs";

const b = booth();

test("without JavaScript: sign in, create, try, rotate, look for it, delete by its typed name", async ({ window }) => {
  const page = await window({ javaScriptEnabled: false });
  await enter(page, b.link);
  const proof = await password(page, b.console);
  await page.goto(`${b.console}/t/demo/new-client`);
  await page.getByLabel("Name", { exact: true }).fill("No script at all");
  await page.getByRole("checkbox", { name: "NQL API" }).check();
  await page.getByText("Advanced: grants").click();
  await page.getByLabel("Token lifetime").fill("5m");
  await page.getByRole("button", { name: "Save and generate credentials" }).click();
  await expect(page.getByRole("dialog", { name: "OAuth client credentials" })).toBeVisible();
  const id = await page.locator("#client-id").innerText(), first = await page.locator("#client-secret").innerText();
  await expect(page.getByRole("button", { name: "Copy the client secret" })).toBeHidden(); // a button that could do nothing is not there
  await page.getByText("PowerShell", { exact: true }).first().click(); // the sheet folds and unfolds
  await expect(page.locator("#sheet-0-powershell")).toBeVisible();

  await page.goto(`${b.console}/t/demo/clients/${id}/try`);
  await page.getByLabel("Secret").fill(first);
  await page.getByRole("button", { name: "Ask for a token" }).click();
  await expect(page.getByRole("heading", { name: "What the token says" })).toBeVisible();

  await page.goto(`${b.console}/t/demo/clients/${id}`);
  await page.getByText("Rotate: make a new secret").click();
  await page.getByRole("radio", { name: "1 hour" }).check();
  await page.getByRole("button", { name: "Rotate and show the new secret" }).click();
  const second = await page.locator("#client-secret").innerText();
  expect([await token(b, id, first), await token(b, id, second)]).toEqual([200, 200]);

  await page.goto(`${b.console}/t/demo/clients`);
  await page.getByLabel("Name or id").fill("no script");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: "No script at all" }).click();
  const remove = async (typed) => {
    await page.locator("summary", { hasText: /^Delete$/ }).click();
    await page.getByLabel(/Type its name to confirm/).fill(typed);
    await page.getByRole("button", { name: "Delete this client" }).click();
  };
  await remove("No script at all");
  if (await page.getByRole("heading", { name: "Confirm that it is you" }).isVisible()) {
    await confirm(page, proof);
    await remove("No script at all");
  }
  await expect(page).toHaveURL(/\/t\/demo\/clients$/);
  expect(await token(b, id, second)).toBe(401);
});

test("without JavaScript: a wrong name deletes nothing, and what was typed is still there", async ({ window }) => {
  const page = await window({ javaScriptEnabled: false });
  await enter(page, await b.invite("nojs@demo.localhost", "No Script", "owner"));
  const proof = await password(page, b.console);
  await page.getByRole("link", { name: "I have kept them" }).click();
  const there = `${b.console}/t/demo/clients/${b.vars.NEXTHINK_NQL_CLIENT_ID}`;
  const remove = async () => {
    await page.goto(there);
    await page.locator("summary", { hasText: /^Delete$/ }).click();
    await page.getByLabel(/Type its name to confirm/).fill("Nexthink");
    await page.getByRole("button", { name: "Delete this client" }).click();
  };
  await remove();
  if (await page.getByRole("heading", { name: "Confirm that it is you" }).isVisible()) { await confirm(page, proof); await remove(); }
  await expect(page.locator("#typed-error")).toBeVisible();
  await expect(page.getByLabel(/Type its name to confirm/)).toHaveValue("Nexthink");
  expect(await token(b, b.vars.NEXTHINK_NQL_CLIENT_ID, b.vars.NEXTHINK_NQL_CLIENT_SECRET)).toBe(200);
});
