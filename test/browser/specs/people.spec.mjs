// Several people at one desk: who changed it meanwhile, and who may what.
import { booth, create, enter, expect, test } from "../harness.mjs";

const b = booth();

test("two operators edit the same client: the second sees who changed it and loses nothing typed", async ({ window }) => {
  const ada = await window(), ben = await window();
  await enter(ada, await b.invite("ada@demo.localhost", "Ada First", "editor@demo"));
  await enter(ben, await b.invite("ben@demo.localhost", "Ben Second", "editor@demo"));
  const made = await create(ada, b.console, { name: "Shared", description: "as it was" });
  const edit = `${b.console}/t/demo/clients/${made.id}/edit`;
  await ada.goto(edit);
  await ben.goto(edit);
  await ada.getByLabel("Name", { exact: true }).fill("Shared, by Ada");
  await ada.getByRole("button", { name: "Save" }).click();
  await expect(ada.getByRole("heading", { name: /Shared, by Ada/ })).toBeVisible();

  const typed = "a long description\nthat took Ben ten minutes";
  await ben.getByLabel("Description").fill(typed);
  await ben.getByRole("checkbox", { name: "Workflows API" }).check();
  await ben.getByRole("button", { name: "Save" }).click();
  await expect(ben.getByRole("alert")).toContainText("Ada First has changed this meanwhile");
  await expect(ben.getByLabel("Description")).toHaveValue(typed);
  await expect(ben.getByRole("checkbox", { name: "Workflows API" })).toBeChecked();
  const differences = ben.getByRole("region", { name: "Differences" });
  await expect(differences.getByRole("row", { name: /^Name/ })).toContainText("Shared, by Ada");
  await ada.reload();
  await expect(ada.getByText("as it was")).toBeVisible(); // nothing of Ben's was saved

  await ben.getByRole("button", { name: "Save mine" }).click();
  await ada.goto(`${b.console}/t/demo/clients/${made.id}`);
  await expect(ada.getByText("that took Ben ten minutes")).toBeVisible();
  await expect(ada.locator("main")).toContainText("by Ben Second");
});

test("two rotate the same client: the second is told, and the secret of the first stays good", async ({ window }) => {
  const ada = await window(), ben = await window();
  await enter(ada, await b.invite("ada2@demo.localhost", "Ada Again", "editor@demo"));
  await enter(ben, await b.invite("ben2@demo.localhost", "Ben Again", "editor@demo"));
  const made = await create(ada, b.console, { name: "Rotated by two" });
  for (const page of [ada, ben]) {
    await page.goto(`${b.console}/t/demo/clients/${made.id}`);
    await page.getByText("Rotate: make a new secret").click();
  }
  await ada.getByRole("button", { name: "Rotate and show the new secret" }).click();
  await expect(ada.getByText("The secret is shown this once.")).toBeVisible();
  await ben.getByRole("button", { name: "Rotate and show the new secret" }).click();
  await expect(ben.locator("main")).toContainText(/Ada Again.*changed/s);
  await expect(ben.locator("#client-secret")).toHaveCount(0);
});

// act sends a form as a page of the console would, with a person's own cookie.
const act = (page, path, form = {}) => page.evaluate(async ([path, form]) =>
  (await fetch(path, { method: "POST", body: new URLSearchParams(form), redirect: "manual" })).status, [path, form]);
const get = (page, path) => page.evaluate(async (path) => (await fetch(path, { redirect: "manual" })).status, path);

test("a viewer has no buttons, and acts sent without them are refused", async ({ window }) => {
  const page = await window();
  await enter(page, await b.invite("vera@demo.localhost", "Vera Viewer", "viewer@demo"));
  const id = b.vars.NEXTHINK_CLIENT_ID, client = `/t/demo/clients/${id}`, user = `/t/demo/users/${b.vars.NEXUDUS_USERNAME}`;
  for (const path of ["/t/demo", "/t/demo/clients", client, "/t/demo/users", user, "/t/demo/keys", "/t/demo/apis"]) {
    await page.goto(b.console + path);
    await expect(page.locator("main")).toBeVisible();
    await expect(page.locator("main form[method=post]"), path).toHaveCount(0);
    await expect(page.getByRole("link", { name: /^New |^Edit|Withdraw/ }), path).toHaveCount(0);
  }
  const navigation = page.getByRole("navigation", { name: "Main" });
  for (const hidden of ["Audit log", "Settings", "Operators"]) await expect(navigation.getByRole("link", { name: hidden })).toHaveCount(0);

  const rev = { rev: "1" };
  const refused = {
    "/t/demo/new-client": { form: "made-by-hand", name: "Mine", ends: "never", grant: "client_credentials" }, [`${client}/edit`]: { ...rev, name: "Mine" }, [`${client}/disable`]: rev, [`${client}/rotate`]: { ...rev, overlap: "0s" },
    [`${client}/revoke-tokens`]: rev, [`${client}/delete`]: { ...rev, typed: "Nexthink integration" }, [`${client}/drop-permissions`]: { ...rev, permission: "nql" },
    [`${client}/undo-rotation`]: rev, "/t/demo/new-user": { username: "x@example.com", password_from: "made" }, [`${user}/edit`]: { ...rev, name: "x" }, [`${user}/password`]: { ...rev, password_from: "made" },
    [`${user}/totp`]: { ...rev, on: "no" }, [`${user}/disable`]: rev, [`${user}/end-tokens`]: rev, [`${user}/delete`]: rev, "/t/demo/keys/rotate": {},
    "/t/demo/keys/rotate-unannounced": { sure: "yes" }, "/t/demo/tokens/end": { client: id }, "/t/demo/tokens/end-all": { typed: "demo" }, "/operators": { username: "me@example.com", "role:*": "owner" },
  };
  for (const [path, form] of Object.entries(refused)) expect([path, await act(page, path, form)]).toEqual([path, 403]);
  for (const path of ["/t/demo/audit", "/t/demo/settings", "/settings", "/operators", `${client}/edit`, "/t/demo/new-client"]) expect([path, await get(page, path)]).toEqual([path, 403]);
  expect(await get(page, "/t/acme")).toBeGreaterThanOrEqual(403); // another tenant

  const owner = await window();
  await enter(owner, b.link);
  await owner.goto(b.console + client);
  await expect(owner.getByRole("heading", { name: /Nexthink integration active/ })).toBeVisible();
  await owner.goto(`${b.console}/t/demo/clients?q=Mine`);
  await expect(owner.getByText("Nothing found")).toBeVisible();
});

test("an auditor reads the audit log and the settings and changes nothing; an editor changes clients, not keys", async ({ window }) => {
  const auditor = await window(), editor = await window();
  await enter(auditor, await b.invite("audrey@demo.localhost", "Audrey Auditor", "auditor@demo"));
  await enter(editor, await b.invite("edda@demo.localhost", "Edda Editor", "editor@demo"));
  const made = await create(editor, b.console, { name: "By Edda" });

  await auditor.goto(`${b.console}/t/demo/audit?act=client.create`);
  await expect(auditor.getByRole("region", { name: "Events" })).toContainText("Edda Editor");
  await auditor.goto(`${b.console}/t/demo/settings`);
  await expect(auditor.getByRole("heading", { name: "Settings" })).toBeVisible();
  await auditor.goto(`${b.console}/t/demo/clients/${made.id}`);
  await expect(auditor.locator("main form[method=post]")).toHaveCount(0);
  expect(await act(auditor, `/t/demo/clients/${made.id}/disable`, { rev: "1" })).toBe(403);

  await editor.goto(`${b.console}/t/demo/keys`);
  await expect(editor.getByText("An owner rotates keys.")).toBeVisible();
  await expect(editor.getByRole("link", { name: /Withdraw|Rotate/ })).toHaveCount(0);
  const kid = await editor.locator(".desk-kid code").first().innerText();
  expect(await get(editor, `/t/demo/keys/${kid}/withdraw`)).toBe(403);
  expect(await act(editor, `/t/demo/keys/${kid}/withdraw`, { typed: kid.slice(0, 8) })).toBe(403);
  await editor.goto(`${b.console}/t/demo/audit`);
  await expect(editor.getByRole("heading", { name: "Audit log" })).toBeVisible();
});

test("an auditor of the desk reads operators, their sessions and the desk's log, and is offered no change", async ({ window }) => {
  const page = await window();
  await enter(page, await b.invite("desk-auditor@demo.localhost", "Dina Desk", "auditor"));
  const navigation = page.getByRole("navigation", { name: "Main" });
  const none = async () => {
    await expect(page.locator("main form[method=post]")).toHaveCount(0);
    await expect(page.getByRole("link", { name: "Invite an operator" })).toHaveCount(0);
  };
  await navigation.getByRole("link", { name: "Operators" }).click();
  await expect(page.getByRole("heading", { name: "Operators" })).toBeVisible();
  await none();
  await page.getByRole("link", { name: "Dina Desk", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Sessions" })).toBeVisible();
  await expect(page.locator("main")).toContainText("this one");
  await none();
  const there = new URL(page.url()).pathname;
  await navigation.getByRole("link", { name: "Desk audit log" }).click();
  await expect(page.getByRole("region", { name: "Events" })).toContainText("An operator was registered");
  expect(await get(page, "/operators/new")).toBe(403);
  for (const [path, form] of Object.entries({ "/operators": { username: "me@example.com", "role:*": "owner" }, [there]: { rev: "1", "role:*": "owner" }, [`${there}/invite`]: {} })) {
    expect([path, await act(page, path, form)]).toEqual([path, 403]);
  }
});
