// From the sign-in link to a token: seed S4 as a person does it.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { booth, create, enter, expect, test } from "../harness.mjs";

const b = booth();

// The commands of the guide, steps 2.1 and 2.3, as they stand there; the first breaks its line without a backslash.
const guideCommand = (name) => readFileSync(path.join(import.meta.dirname, "../../e2e/testdata", name), "utf8").replaceAll("\n", " ").replaceAll("\\ ", " ");
const guideToken = guideCommand("nexthink-guide-token.sh"), guideWorkflows = guideCommand("nexthink-guide-workflows.sh");

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
  expect(await dialog.evaluate((it) => it.matches(":modal") && it.contains(document.activeElement)), "a modal with the focus inside").toBe(true);
  for (const label of ["Client ID", "Client Secret"]) await expect(dialog.getByText(label, { exact: true })).toBeVisible();
  const id = await page.locator("#client-id").innerText(), secret = await page.locator("#client-secret").innerText();
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await dialog.getByRole("button", { name: "Copy the client ID" }).click();
  await expect(dialog.getByText("Copied")).toBeVisible();
  expect(await clipboard()).toBe(id);
  await dialog.getByRole("button", { name: "Copy the client secret" }).click();
  await expect.poll(clipboard).toBe(secret);

  await dialog.getByRole("button", { name: "Copy both" }).click();
  await expect.poll(clipboard).toBe(`Client ID: ${id}\nClient Secret: ${secret}`);
  await dialog.getByRole("button", { name: "Copy as .env" }).click();
  await expect.poll(clipboard).toContain(`TOKENBOOTH_CLIENT_ID=${id}\nTOKENBOOTH_CLIENT_SECRET=${secret}\nTOKENBOOTH_TOKEN_URL=`);
  const [saved] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Save as .env" }).click()]);
  expect(readFileSync(await saved.path(), "utf8")).toBe(await clipboard());

  // The guide's own two commands, word for word: host and credential are all that is put in.
  const guide = (command) => command.replaceAll("https://{{nexthink_instance}}.api.{{region}}.nexthink.cloud", b.public);
  const run = (command) => JSON.parse(execFileSync("bash", ["-c", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  const asked = run(guide(guideToken).replace("<Base64 encoded {{nexthink_clientId}}:{{nexthink_clientSecret}}>", Buffer.from(`${id}:${secret}`).toString("base64")));
  expect(asked.access_token, "the guide's step 2.1").toBeTruthy();
  const listed = run(guide(guideWorkflows).replace("{{access_token}}", asked.access_token));
  expect(listed.map((it) => it.id), "the guide's step 2.3").toContain("license_reclamation");

  // Closed, the dialog is part of the page, and the sheet is at hand.
  await dialog.getByRole("button", { name: "Show ready commands" }).click();
  await expect(page.locator("#client-secret")).toBeVisible();
  const third = page.locator("pre[id^='call-']", { hasText: "/api/v1/workflows" }).first();
  await expect(third).toBeVisible();
  expect(run((await third.innerText()).replace("ACCESS_TOKEN", asked.access_token)).length, "the sheet's third step").toBeGreaterThan(0);

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
  for (const there of [`clients/${id}`, `clients/${id}/edit`, `clients/${id}/try`, "clients", "audit", `audit?subject=${id}`]) {
    await page.goto(`${b.console}/t/demo/${there}`);
    expect(await page.content(), there).not.toContain(secret);
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
