// All pages of the console, in one place. path is an address, or a function of the stage that gives one; open does what no address leads
// to. Each is looked at light and dark, at a desk and on a phone.
import { confirm, expect } from "../harness.mjs";
import { exporting, reading, told } from "./waiting.mjs";

const client = (s) => `/t/demo/clients/${s.id}`;

export const outside = [
  { name: "sign-in", path: "/sign-in" },
  { name: "sign-in-link", path: (s) => s.unused },
  { name: "sign-in-link-spent", path: "/sign-in/link?key=tbl_spent" },
];

export const inside = [
  { name: "overview", path: "/t/demo" },
  { name: "overview-day", path: "/t/demo?show=day" },
  { name: "overview-empty", path: "/t/globex" },
  { name: "overview-being-read", async open(page, s) { await beingRead(page, `${s.console}/t/demo`, false); } },
  { name: "clients", path: "/t/demo/clients" },
  { name: "clients-being-read", async open(page, s) { await beingRead(page, `${s.console}/t/demo/clients`, true); } },
  { name: "clients-empty", path: "/t/globex/clients" },
  { name: "clients-none-found", path: "/t/demo/clients?q=zzz" },
  { name: "client-new", path: "/t/demo/new-client" },
  { name: "client-new-refused", async open(page, s) {
    await page.goto(`${s.console}/t/demo/new-client`);
    await page.getByLabel("Name", { exact: true }).fill("Refused");
    await page.getByText("Advanced: grants").click();
    await page.getByLabel("Allowed IP addresses").fill("10.0.0.5/8");
    await page.getByLabel("Token lifetime").fill("soon");
    await page.getByLabel("Name", { exact: true }).fill(" ");
    await page.getByRole("button", { name: "Save and generate credentials" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
  } },
  { name: "client-created", async open(page, s) {
    await page.goto(`${s.console}/t/demo/new-client`);
    await page.getByLabel("Name", { exact: true }).fill("Service desk connector");
    await page.getByLabel("Description").fill("Runs remote actions from tickets. Ask for: the service desk team.");
    for (const permission of ["Remote Actions API", "Workflows API", "NQL API"]) await page.getByRole("checkbox", { name: permission }).check();
    await page.getByRole("button", { name: "Save and generate credentials" }).click();
    await expect(page.locator("#client-secret")).toBeVisible();
  } },
  { name: "client", path: client },
  { name: "client-open", async open(page, s) { await page.goto(s.console + client(s)); for (const it of await page.locator("main summary").all()) await it.click(); } },
  { name: "client-edit", path: (s) => `${client(s)}/edit` },
  { name: "client-changed-meanwhile", async open(page, s) {
    const other = await page.context().newPage();
    for (const tab of [page, other]) await tab.goto(`${s.console}/t/demo/clients/${s.vars.DADI_CLIENT_ID}/edit`);
    await other.getByLabel("Description").fill(`Changed in another window, ${Date.now()}.`);
    await other.getByRole("button", { name: "Save" }).click();
    await expect(other.getByRole("status")).toBeVisible();
    await other.close();
    await page.getByLabel("Description").fill("Changed here.");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
  } },
  { name: "client-rotated", async open(page, s) {
    await page.goto(`${s.console}/t/demo/clients/${s.vars.NEXTHINK_NQL_CLIENT_ID}`);
    await page.getByText("Rotate: make a new secret").click();
    await page.getByRole("button", { name: "Rotate and show the new secret" }).click();
    await expect(page.locator("#client-secret")).toBeVisible();
  } },
  { name: "client-two-secrets", path: (s) => `/t/demo/clients/${s.vars.NEXTHINK_NQL_CLIENT_ID}` },
  { name: "client-try", path: (s) => `${client(s)}/try` },
  { name: "client-tried", async open(page, s) {
    await page.goto(`${s.console}${client(s)}/try`);
    await page.getByLabel("Secret").fill(s.vars.OAUTH2_CLIENT_SECRET);
    await page.getByRole("button", { name: "Ask for a token" }).click();
    await expect(page.getByRole("heading", { name: "What the token says" })).toBeVisible();
    s.token = await page.locator("#access-token").textContent();
  } },
  { name: "client-tried-refused", async open(page, s) {
    await page.goto(`${s.console}${client(s)}/try`);
    await page.getByLabel("Secret").fill("tbs_wrong");
    await page.getByRole("button", { name: "Ask for a token" }).click();
    await expect(page.getByText("No token was given.")).toBeVisible();
  } },
  { name: "users", path: "/t/demo/users" },
  { name: "users-empty", path: "/t/acme/users" },
  { name: "user-new", path: "/t/demo/new-user" },
  { name: "user-registered", async open(page, s) {
    await page.goto(`${s.console}/t/demo/new-user`);
    await page.getByLabel("User name").fill(`mia.${Date.now()}@example.com`);
    await page.getByLabel("Name", { exact: true }).fill("Mia Keller");
    await page.getByRole("checkbox", { name: /one-time code as well/ }).check();
    await page.getByRole("button", { name: "Register the user" }).click();
    await expect(page.getByText("This is shown once.")).toBeVisible();
  } },
  { name: "user", path: (s) => `/t/demo/users/${s.vars.NEXUDUS_USERNAME}` },
  { name: "tokens", path: "/t/demo/tokens" },
  { name: "tokens-opaque", path: "/t/demo/tokens?list=opaque" },
  { name: "token", async open(page, s) {
    await page.goto(`${s.console}/t/demo/tokens`);
    await page.getByLabel("Access token").fill(s.token);
    await page.getByRole("button", { name: "Look" }).click();
    await expect(page.getByRole("heading", { name: "This token is active" })).toBeVisible();
  } },
  { name: "tokens-end", path: (s) => `/t/demo/tokens/end?client=${s.id}` },
  { name: "tokens-end-all", path: "/t/demo/tokens/end-all" },
  { name: "apis", path: "/t/demo/apis" },
  { name: "keys", path: "/t/demo/keys" },
  { name: "keys-unannounced", path: "/t/demo/keys/rotate-unannounced" },
  { name: "key-withdraw", path: (s) => `/t/demo/keys/${s.kid}/withdraw` },
  { name: "audit", path: "/t/demo/audit" },
  { name: "audit-exported", async open(page, s) {
    const stream = await exporting(page);
    await page.goto(`${s.console}/t/demo/audit?since=2026-01-01T00:00&until=2026-01-11T00:00`);
    await page.getByRole("link", { name: "CSV" }).click();
    await stream.send(told({ events: 12_345, reached: "2026-01-05T12:30:00Z" }));
    await expect(page.locator("#export")).toContainText("12,345 events so far");
  } },
  { name: "audit-faulty", path: "/t/demo/audit?since=soon&outcome=maybe" },
  { name: "audit-none-found", path: "/t/demo/audit?subject=nobody" },
  { name: "audit-event", path: (s) => s.event },
  { name: "dialects", path: "/t/demo/dialects" },
  { name: "dialect", path: "/t/demo/dialects/nexthink" },
  { name: "playground", path: "/t/demo/dialects/nexthink/playground" },
  { name: "playground-read", async open(page, s) {
    await page.goto(`${s.console}/t/demo/dialects/nexthink/playground`);
    await page.getByRole("button", { name: "See how it is read" }).click();
    await expect(page.getByRole("heading", { name: /Understood|Refused before/ })).toBeVisible();
  } },
  { name: "settings-of-a-tenant", path: "/t/demo/settings?q=allow" },
  { name: "settings", path: "/settings" },
  { name: "operators", path: "/operators" },
  { name: "operator-new", path: "/operators/new" },
  { name: "operator-invited", async open(page, s) {
    await page.goto(`${s.console}/operators/new`);
    await page.getByLabel("User name").fill(`lin.${Date.now()}@example.com`);
    await page.getByLabel("Name", { exact: true }).fill("Lin Weber");
    await page.getByRole("combobox").first().selectOption("editor");
    await page.getByRole("button", { name: "Invite" }).click();
    await expect(page.getByText("It is shown now and never again.")).toBeVisible();
  } },
  { name: "operator", path: (s) => s.operator },
  { name: "account", path: "/account" },
  { name: "account-password", path: "/account/password?app" },
  { name: "recovery-codes", async open(page, s) {
    await page.goto(`${s.console}/account`);
    await page.getByRole("button", { name: "Make new codes" }).click();
    await expect(page.getByRole("heading", { name: "Recovery codes" })).toBeVisible();
  } },
  { name: "calendar", async open(page, s) {
    await page.goto(`${s.console}/account`);
    await page.getByRole("button", { name: /an address|a new address/ }).click();
    await expect(page.getByRole("heading", { name: "Calendar feed" })).toBeVisible();
  } },
  { name: "not-found", path: "/t/demo/clients/nobody" },
];

// beingRead opens a page as it is while clients are being read; the next one is as it always is.
async function beingRead(page, address, whole) {
  const wait = await reading(page, address, whole);
  await page.goto(address);
  await expect(page.locator("[data-reading]")).toBeVisible();
  page.once("framenavigated", () => { wait.ready(); page.unroute(address); });
}

// prove makes a session that dangerous pages open to: by password, code, and a fresh sign-in.
export async function prove(page, s, proof) {
  await page.goto(`${s.console}/t/demo/keys/rotate-unannounced`);
  if (await page.getByRole("heading", { name: "Confirm that it is you" }).count()) await confirm(page, proof);
}
