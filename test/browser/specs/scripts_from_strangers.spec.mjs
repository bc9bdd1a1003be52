// What strangers, clients and colleagues write is text on every page that shows it (requirement 51): whatever is typed into any field, no
// script runs, no dialog opens, and the content policy has nothing to complain of.
import { authenticator, booth, enter, expect, proven, test, token } from "../harness.mjs";

const b = booth();

const payloads = [
  `<img src=x onerror="window.__xss=1;alert(1)">`,
  `"><script>window.__xss=2;alert(2)</script>`,
  `javascript:window.__xss=3//`,
  `{{.Frame.Who}}{{constructor.constructor('window.__xss=4')()}}\${window.__xss=4}`,
  `<svg/onload=window.__xss=5><style>@import'//evil.example'</style>`,
  `'-window.__xss=6-' onfocus=window.__xss=6 autofocus x='`,
  `</textarea></title></option><iframe srcdoc="<script>parent.__xss=7</script>">`,
  `abc\u202Egnp.exe<b>\u2028`,
];

// clean looks at a page for what must not have come of a payload.
async function clean(page, where) {
  const found = await page.evaluate(() => ({
    ran: window.__xss ?? null,
    elements: [...document.querySelectorAll("img[src='x'], iframe, base, style, [onerror], [onload], [onfocus], script:not([src]), a[href^='javascript:' i], [style*=evil]")].map((it) => it.outerHTML),
    strangers: [...document.querySelectorAll("script[src], link[href], img[src], form[action]")].map((it) => it.src || it.href || it.action)
      .filter((url) => !url.startsWith(location.origin + "/") && !url.startsWith("data:image/")),
  }));
  expect(found, where).toEqual({ ran: null, elements: [], strangers: [] });
}

async function visit(page, path) {
  await page.goto(b.console + path);
  await clean(page, path);
}

// press sends a form and looks at what comes of it: the thing done, or the form again with the field at fault.
async function press(page, name, where) {
  await page.getByRole("button", { name, exact: true }).click();
  await page.waitForLoadState();
  await clean(page, where);
}

test("the ear hears: a script of a stranger is stopped, reported and written down", async ({ window }) => {
  const page = await window();
  await enter(page, b.link);
  await page.evaluate(() => { const s = document.createElement("script"); s.textContent = "window.__xss=1"; document.body.append(s); });
  await expect.poll(() => page.heard.length).toBeGreaterThan(0);
  expect(await page.evaluate(() => window.__xss)).toBeUndefined();
  page.heard.length = 0; // it was ours
  await expect.poll(b.log, { timeout: 10_000 }).toContain("content policy violated");
});

test("clients: names and descriptions are text on every page that shows them", async ({ window }) => {
  const page = await window();
  await enter(page, await b.again());
  const made = [];
  for (const [i, payload] of payloads.entries()) {
    await page.goto(`${b.console}/t/demo/new-client`);
    await page.getByLabel("Name", { exact: true }).fill(`${i} ${payload}`);
    await page.getByLabel("Description").fill(payload);
    await page.getByRole("checkbox", { name: "NQL API" }).check();
    if (i === 1) { // every other field at once, all of them at fault
      await page.getByText("Advanced: grants").click();
      await page.getByLabel("Allowed IP addresses").fill(payload);
      await page.getByLabel("Token lifetime").fill(payload);
      await press(page, "Save and generate credentials", "the form, refused");
      await expect(page.getByLabel("Token lifetime")).toHaveValue(payload);
      await page.getByLabel("Allowed IP addresses").fill("");
      await page.getByLabel("Token lifetime").fill("");
    }
    await press(page, "Save and generate credentials", payload);
    const id = page.locator("dialog #client-id");
    if (await id.count()) made.push({ id: await id.innerText(), secret: await page.locator("#client-secret").innerText(), payload });
    else await expect(page.locator("[id$=-error]").first(), payload).toBeVisible(); // a character that names must not have
  }
  expect(made.length).toBeGreaterThanOrEqual(6);
  await token(b, made[0].id, made[0].secret);
  await token(b, made[1].id, "wrong");
  for (const { id, secret } of made.slice(0, 3)) {
    for (const path of ["", "/edit", "/try"]) await visit(page, `/t/demo/clients/${id}${path}`);
    await page.getByLabel("Secret").fill(secret);
    await press(page, "Ask for a token", "try it");
    await visit(page, `/t/demo/tokens?client=${id}`);
    await visit(page, `/t/demo/audit?subject=${id}`);
    await page.getByRole("region", { name: "Events" }).getByRole("link").first().click();
    await clean(page, "an event");
  }
  for (const { id } of made.slice(3)) { await visit(page, `/t/demo/clients/${id}`); await visit(page, `/t/demo/clients/${id}/edit`); }
  for (const path of ["", "/clients", "/clients?sort=name&order=down", "/clients?state=active&permission=nql", "/tokens", "/apis", "/audit?act=client.", "/keys"]) await visit(page, `/t/demo${path}`);
  await expect(page.getByRole("link", { name: "API credentials" })).toBeVisible();
});

test("users, operators, passkeys: names are text on every page that shows them", async ({ window }) => {
  const page = await window();
  await authenticator(page);
  await enter(page, await b.invite("xena@demo.localhost", payloads[0], "owner"));
  for (const payload of [payloads[0], payloads[1]]) {
    await proven(page, `${b.console}/account`);
    await page.getByLabel("Name of a new passkey").fill(payload.slice(0, 60));
    await page.getByRole("button", { name: "Add a passkey" }).click();
    const refused = page.locator("#passkey-problem").filter({ hasText: /\S/ }), confirm = page.getByRole("heading", { name: "Confirm that it is you" });
    await expect(page.locator("li strong", { hasText: payload.slice(0, 10) }).or(refused).or(confirm)).toBeVisible();
    await clean(page, "account");
  }
  for (const [i, payload] of payloads.entries()) {
    await page.goto(`${b.console}/t/demo/new-user`);
    await page.getByLabel("User name").fill(i % 2 ? `u${i}@example.com` : payload);
    await page.getByLabel("Name", { exact: true }).fill(payload);
    await press(page, "Register the user", `user ${payload}`);
  }
  await visit(page, "/t/demo/users");
  const users = await page.getByRole("rowheader").getByRole("link").evaluateAll((all) => all.map((it) => it.getAttribute("href")));
  expect(users.length).toBeGreaterThan(4);
  for (const path of users) await visit(page, path);
  for (const [i, payload] of payloads.entries()) {
    await proven(page, `${b.console}/operators/new`);
    await page.getByLabel("User name").fill(i % 2 ? `o${i}@example.com` : payload);
    await page.getByLabel("Name", { exact: true }).fill(payload);
    await page.getByRole("combobox").first().selectOption("viewer");
    await press(page, "Invite", `operator ${payload}`);
  }
  await visit(page, "/operators");
  const operators = await page.getByRole("rowheader").getByRole("link").evaluateAll((all) => all.map((it) => it.getAttribute("href")));
  expect(operators.length).toBeGreaterThan(4);
  for (const path of operators) await visit(page, path);
  await visit(page, "/account");
  await visit(page, "/t/demo/audit");
});

test("searches, filters, addresses and the playground give back text", async ({ window }) => {
  const page = await window();
  await enter(page, await b.invite("finn@demo.localhost", "Finn", "owner"));
  for (const payload of [payloads[5], payloads[7], payloads.slice(0, 3).join(" "), payloads.slice(3).join(" ")]) {
    const q = encodeURIComponent(payload);
    for (const path of [`/t/demo/clients?q=${q}&state=${q}&permission=${q}&sort=${q}&after=${q}`, `/t/demo/users?q=${q}&after=${q}`, `/t/demo/tokens?client=${q}`, `/t/demo/tokens?user=${q}&list=${q}`,
      `/t/demo/audit?act=${q}&actor=${q}&subject=${q}&outcome=${q}&since=${q}&until=${q}`, `/t/demo/audit?request=${q}&after=${q}`, `/settings?q=${q}`, `/t/demo?show=${q}`]) await visit(page, path);
    await page.goto(`${b.console}/t/demo/dialects/oauth2/playground`);
    await page.getByLabel("The request").fill(`POST /oauth2/token HTTP/1.1\nHost: ${payload}\nAuthorization: Basic ${Buffer.from(payload + ":x").toString("base64")}\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials&scope=${q}&client_id=${q}`);
    await press(page, "See how it is read", "playground");
    await page.getByLabel("The request").fill(payload);
    await press(page, "See how it is read", "playground");
    await page.goto(`${b.console}/t/demo/tokens`);
    await page.getByLabel("Access token").fill(payload);
    await press(page, "Look", "token");
  }
  for (const payload of payloads.slice(0, 3)) {
    const q = encodeURIComponent(payload);
    for (const path of [`/t/${q}`, `/t/demo/clients/${q}`, `/t/demo/users/${q}`, `/t/demo/audit/${q}`, `/t/demo/dialects/${q}`, `/t/demo/keys/${q}/withdraw`, `/operators/${q}`, `/${q}`, `/sign-in/again?next=${q}`]) await visit(page, path);
  }
  const outside = await window();
  for (const payload of payloads.slice(0, 4)) {
    const q = encodeURIComponent(payload);
    await visit(outside, `/sign-in?next=${q}`);
    await visit(outside, `/sign-in/link?key=${q}`);
  }
  await outside.goto(`${b.console}/sign-in?next=${encodeURIComponent("javascript:alert(1)")}`);
  await outside.getByLabel("User name").fill(payloads[1]);
  await outside.getByLabel("Password", { exact: true }).fill("x");
  await outside.getByLabel("Code", { exact: true }).fill(payloads[0]);
  await press(outside, "Sign in", "a failed sign-in");
  await visit(page, "/t/demo/audit");
});

test("nothing was reported to /csp-report by all of these", async () => {
  expect(b.log().split("content policy violated").length - 1, "only the one that a test caused on purpose").toBe(1);
});
