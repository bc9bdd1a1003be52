// Every way in, and how it ends.
import { authenticator, booth, confirm, enter, expect, password, proven, test } from "../harness.mjs";

const b = booth();

test("a one-time link works once", async ({ window }) => {
  const page = await window();
  const link = await b.invite("once@demo.localhost", "Once", "viewer@demo");
  await page.goto(link);
  await page.reload(); // looking at it does not spend it: mail scanners look
  await enter(page, link);
  const second = await window();
  await second.goto(link);
  await second.getByRole("button", { name: "Sign in" }).click();
  await expect(second.getByRole("alert")).toBeVisible();
  await second.goto(`${b.console}/t/demo`);
  await expect(second.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("a passkey is enrolled, signs in, and confirms what is dangerous", async ({ window }) => {
  const page = await window();
  const device = await authenticator(page);
  await enter(page, await b.invite("pia@demo.localhost", "Pia Passkey", "owner"));
  await page.goto(`${b.console}/account`);
  await expect(page.getByText("You have no way back in yet.")).toBeVisible();
  await page.getByLabel("Name of a new passkey").fill("Work laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText("Work laptop")).toBeVisible();
  expect(await device.credentials()).toHaveLength(1);

  // A session by link has proven nothing: withdrawing a key asks first.
  const withdraw = async () => { await page.goto(`${b.console}/t/demo/keys`); await page.getByRole("link", { name: "Withdraw…" }).last().click(); };
  await withdraw();
  await expect(page.getByRole("heading", { name: "Confirm that it is you" })).toBeVisible();
  await page.getByRole("button", { name: "Use your passkey" }).click();
  await expect(page.getByRole("heading", { name: "Withdraw a signing key" })).toBeVisible();
  const short = await page.locator("label[for=typed] code").innerText();
  await page.getByLabel(/Write/).fill(short);
  await page.getByRole("button", { name: "Withdraw this key" }).click();
  await expect(page.getByRole("status")).toBeVisible();

  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(page.getByText("You are signed out.")).toBeVisible();
  await page.goBack();
  await page.goto(`${b.console}/sign-in?next=/t/acme/keys`);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page).toHaveURL(`${b.console}/t/acme/keys`);
  await page.goto(`${b.console}/account`);
  await expect(page.getByText(/signed in by passkey/)).toBeVisible();
});

test("password and code sign in, a recovery code does so once, and sessions are listed and ended elsewhere", async ({ window }) => {
  const page = await window();
  await enter(page, await b.invite("cora@demo.localhost", "Cora Code", "owner"));
  const proof = await password(page, b.console);
  expect(proof.recovery.length).toBeGreaterThanOrEqual(8);
  const signIn = async (there, code, words = proof.password) => {
    await there.goto(`${b.console}/sign-in`);
    await there.getByLabel("User name").fill("cora@demo.localhost");
    await there.getByLabel("Password", { exact: true }).fill(words);
    await there.getByLabel("Code", { exact: true }).fill(code);
    await there.getByRole("button", { name: "Sign in", exact: true }).click();
  };
  const inside = (there) => expect(there.getByRole("button", { name: "Sign out", exact: true })).toBeAttached();
  const outside = (there) => expect(there.getByRole("alert").filter({ hasText: /\S/ })).toBeVisible();

  const other = await window();
  await signIn(other, await proof.app.code());
  await inside(other);

  // Once: the second time the same recovery code is no code.
  const once = proof.recovery.pop();
  const third = await window();
  await signIn(third, once);
  await inside(third);
  const fourth = await window();
  await signIn(fourth, once);
  await outside(fourth);
  await signIn(fourth, proof.recovery.at(-1), "another password altogether");
  await outside(fourth);

  // Three places are listed; one is ended from here, then all others.
  await page.goto(`${b.console}/account`);
  const sessions = page.locator("section.card").filter({ has: page.getByRole("heading", { name: "Where you are signed in" }) }).locator("li");
  await expect(sessions).toHaveCount(3);
  await expect(sessions.filter({ hasText: "this one" })).toHaveCount(1);
  await sessions.filter({ hasNotText: "this one" }).first().getByRole("button").click();
  await expect(sessions).toHaveCount(2);
  await page.getByRole("button", { name: "End all others" }).click();
  await expect(sessions).toHaveCount(1);
  for (const there of [other, third]) {
    await there.goto(`${b.console}/account`);
    await expect(there.getByRole("heading", { name: "Sign in" })).toBeVisible();
  }
});

test("withdrawing a key asks for a fresh sign-in by password and code", async ({ window }) => {
  const page = await window();
  await enter(page, await b.invite("olga@demo.localhost", "Olga Owner", "owner"));
  const proof = await password(page, b.console);
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await enter(page, await b.again("olga@demo.localhost")); // by link again: nothing proven
  await page.goto(`${b.console}/t/acme/keys`);
  await page.getByRole("link", { name: "Withdraw…" }).first().click();
  await confirm(page, proof);
  await expect(page.getByRole("heading", { name: "Withdraw a signing key" })).toBeVisible();
  await page.getByLabel(/Write/).fill("wrong");
  await page.getByRole("button", { name: "Withdraw this key" }).click();
  await expect(page.locator("#typed-error")).toBeVisible();
});

test("a link that another operator made opens nothing before a proof is set up", async ({ window }) => {
  const add = async (page) => {
    await page.getByLabel("Name of a new passkey").fill("Work laptop");
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await expect(page.locator("li strong", { hasText: "Work laptop" })).toBeVisible();
  };
  const owner = await window();
  await authenticator(owner);
  await enter(owner, await b.invite("otto@demo.localhost", "Otto Owner", "owner"));
  await owner.goto(`${b.console}/account`);
  await add(owner);
  await proven(owner, `${b.console}/operators/new`);
  await owner.getByLabel("User name").fill("nina@demo.localhost");
  await owner.getByLabel("Name", { exact: true }).fill("Nina New");
  await owner.getByRole("combobox").first().selectOption("owner");
  await owner.getByRole("button", { name: "Invite" }).click();
  const link = await owner.locator("#link").innerText();

  const page = await window();
  await authenticator(page);
  await enter(page, link);
  for (const path of ["/account", "/t/demo/clients", "/operators", "/t/demo/keys", "/"]) {
    await page.goto(b.console + path);
    await expect(page).toHaveURL(`${b.console}/account`);
    await expect(page.getByText("Set up a way to sign in.")).toBeVisible();
  }
  await add(page);
  await page.goto(`${b.console}/t/demo/clients`);
  await expect(page.getByRole("heading", { name: "API credentials", level: 1 })).toBeVisible();
  await page.goto(`${b.console}/operators/new`); // what asks for a fresh proof has just had one
  await expect(page.getByLabel("User name")).toBeVisible();
});
