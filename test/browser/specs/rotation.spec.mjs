// A rotation with an overlap while programs go on asking.
import { booth, create, enter, expect, test, token } from "../harness.mjs";

const b = booth();

test("no request fails while a secret is rotated with an overlap; the old user is seen; undo; retire now", async ({ window }) => {
  const page = await window();
  await enter(page, b.link);
  const made = await create(page, b.console, { name: "Billing run" });
  const here = `${b.console}/t/demo/clients/${made.id}`;

  // A program asks without a pause, first with the old secret, after its change with the new one.
  let uses = made.secret, going = true;
  const said = [];
  const program = (async () => { while (going) said.push(await token(b, made.id, uses)); })();
  const asks = async (more) => { const until = said.length + more; await expect.poll(() => said.length, { intervals: [20] }).toBeGreaterThan(until); };
  await asks(20);

  const rotate = async (overlap) => {
    await page.goto(here);
    await page.getByText("Rotate: make a new secret").click();
    await page.getByRole("radio", { name: overlap }).check();
    await page.getByRole("button", { name: "Rotate and show the new secret" }).click();
    await expect(page.getByText("The secret is shown this once.")).toBeVisible();
    return page.locator("#client-secret").innerText();
  };
  const fresh = await rotate("1 hour");
  expect(fresh).not.toBe(made.secret);
  await expect(page.getByText("The old secret works until")).toBeVisible();
  await asks(20); // with the old one

  // Who still uses the old one, and from where.
  const secrets = page.getByRole("region", { name: "Secrets" });
  const old = secrets.getByRole("row", { name: /^Old/ });
  await page.goto(here);
  await expect(page.getByText("Two secrets are live.")).toBeVisible();
  await expect(async () => {
    await page.reload();
    await expect(old).toContainText("127.0.0.1", { timeout: 500 });
    await expect(old).toContainText(/now|second|minute/, { timeout: 500 });
  }).toPass({ timeout: 30_000 });

  uses = fresh;
  await asks(20);
  going = false;
  await program;
  expect(said.filter((status) => status !== 200), `of ${said.length} requests`).toEqual([]);

  // Undo: the new one ends, the old one goes on.
  await page.goto(here);
  await page.getByText("Undo the rotation").click();
  await page.getByRole("button", { name: "End the new secret, keep the old" }).click();
  await expect(page.getByText("Two secrets are live.")).toHaveCount(0);
  expect(await token(b, made.id, fresh)).toBe(401);
  expect(await token(b, made.id, made.secret)).toBe(200);

  // Retire now: the old one ends ahead of its time.
  const next = await rotate("24 hours");
  expect(await token(b, made.id, made.secret)).toBe(200);
  await page.goto(here);
  await page.getByRole("button", { name: "Retire now" }).click();
  await expect(page.getByText("Two secrets are live.")).toHaveCount(0);
  expect(await token(b, made.id, made.secret)).toBe(401);
  expect(await token(b, made.id, next)).toBe(200);

  // Not at all: for a secret that has leaked.
  const last = await rotate("not at all");
  expect(await token(b, made.id, next)).toBe(401);
  expect(await token(b, made.id, last)).toBe(200);
});
