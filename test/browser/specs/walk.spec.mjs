// From the sign-in link to a token: seed S4 as a person does it.
import { execFileSync } from "node:child_process";
import { booth, create, enter, expect, test } from "../harness.mjs";

const b = booth();

test("from the one-time link to a token by the copied command, and the secret is shown once", async ({ window }) => {
  const page = await window({ permissions: ["clipboard-read", "clipboard-write"] });
  await enter(page, b.link);
  await page.goto(`${b.console}/t/demo`);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "API credentials" }).click();
  await page.getByRole("link", { name: "New OAuth client credentials" }).click();

  await page.getByLabel("Name", { exact: true }).fill("Creator Studio");
  await page.getByLabel("Description").fill("The Power connector of the service desk.");
  for (const seven of ["Remote Actions API", "Enrichment API", "Data management", "Workflows API", "Campaigns API", "NQL API", "Spark API"]) {
    await expect(page.getByRole("checkbox", { name: seven })).toBeVisible();
  }
  await page.getByRole("checkbox", { name: "Workflows API" }).check();
  await page.getByRole("checkbox", { name: "NQL API" }).check();
  await page.getByRole("button", { name: "Save and generate credentials" }).click();

  const dialog = page.getByRole("dialog", { name: "OAuth client credentials" });
  await expect(dialog).toBeVisible();
  const id = await page.locator("#client-id").innerText(), secret = await page.locator("#client-secret").innerText();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await dialog.getByRole("button", { name: "Copy the client ID" }).click();
  await expect(dialog.getByText("Copied")).toBeVisible();
  expect(await clipboard()).toBe(id);
  await dialog.getByRole("button", { name: "Copy the secret" }).click();
  await expect.poll(clipboard).toBe(secret);

  // The commands of the sheet, each contract's, as they are pasted into a shell.
  const copied = [];
  for (const sheet of await page.locator("details.sheet").all()) {
    if (!(await sheet.evaluate((it) => it.open))) await sheet.locator("summary").first().click();
    await sheet.getByRole("button", { name: "Copy for zsh, bash" }).click();
    await expect.poll(clipboard).toContain("curl");
    copied.push(await clipboard());
  }
  expect(copied.length).toBeGreaterThanOrEqual(2);
  expect(new Set(copied).size).toBe(copied.length);
  for (const command of copied) {
    expect(command).toContain(new URL(b.public).host);
    const answer = JSON.parse(execFileSync("bash", ["-c", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    expect(answer.access_token ?? answer.accessToken, command).toBeTruthy(); // DADI writes it in its own way
  }

  const [tried] = await Promise.all([page.waitForEvent("popup"), page.getByRole("button", { name: "(opens a new tab)" }).first().click()]);
  await expect(tried.getByRole("heading", { name: "What the token says" })).toBeVisible();
  await expect(tried.getByRole("heading", { name: "Request" })).toBeVisible();
  await expect(tried.locator("#try-answer")).toContainText("200 OK");
  await expect(tried.locator("#try-answer")).toContainText("access_token");
  await expect(tried.locator("main")).toContainText(`"client_id": "${id}"`); // of the decoded token
  const routes = tried.getByRole("region", { name: "Routes and verdicts" });
  await expect(routes.getByRole("row", { name: /GET \/api\/v1\/workflows / }).locator(".tag-ok")).toBeVisible();
  await expect(routes.getByRole("row", { name: /POST \/api\/v1\/spark\/handoff/ }).locator(".tag-bad")).toBeVisible();
  expect(await tried.content()).not.toContain(secret);
  await tried.close();

  // Nowhere any more: not on the page of the client, not when going back to where it was, not in any other page.
  await page.getByRole("link", { name: "I have saved both" }).click();
  await expect(page.getByRole("heading", { name: /Creator Studio/ })).toBeVisible();
  expect(await page.content()).not.toContain(secret);
  await page.goBack().catch(() => {}); // the answer to a POST that nobody keeps: the browser has nothing to show
  await expect(page.locator("body")).toBeAttached();
  await expect(page.getByText(secret)).toHaveCount(0);
  for (const path of [`clients/${id}`, `clients/${id}/edit`, `clients/${id}/try`, "clients", "audit", `audit?subject=${id}`]) {
    await page.goto(`${b.console}/t/demo/${path}`);
    expect(await page.content(), path).not.toContain(secret);
  }
  expect(b.log()).not.toContain(secret);
});

test("sending the form once more makes no second client, and the secret is not shown again", async ({ window }) => {
  const page = await window();
  await enter(page, await b.again());
  const { secret } = await create(page, b.console, { name: "Sent twice" });
  await page.reload(); // asks the browser to send the form again
  expect(await page.content()).not.toContain(secret);
  await page.goto(`${b.console}/t/demo/clients?q=Sent+twice`);
  await expect(page.getByRole("rowheader", { name: "Sent twice" })).toHaveCount(1);
});
