// The stage of all specs: a demo of the real binary per spec file, people in browser windows of their own, and an ear at every page for
// what must never happen there: a dialog, a script's fault, a violation of the content policy.
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { test as base, expect } from "@playwright/test";

export { expect };
const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const binary = path.resolve(process.env.TOKENBOOTH || path.join(here, "../../bin/tokenbooth"));
const run = promisify(execFile);

// start runs the demo over a folder and reads what it prints: addresses, credentials, the one-time sign-in link.
async function start(data, ...flags) {
  const child = spawn(binary, ["demo", "--empty", ...flags, "--data", data, "--listen", "127.0.0.1:0", "--operators", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "pipe"] });
  const b = { screen: "", log: "", stop: async () => { child.kill("SIGTERM"); await ended; } };
  child.stderr.on("data", (text) => { b.log += text; });
  const ended = new Promise((done) => child.once("close", done));
  await new Promise((ready, fail) => {
    child.stdout.on("data", (text) => { b.screen += text; if (/Stop +Ctrl-C/.test(b.screen)) ready(); });
    child.once("error", fail);
    ended.then((code) => fail(new Error(`the demo ended with ${code}: ${b.log}`)));
  });
  return b;
}

// demo is a demo in a folder of its own.
async function demo() {
  const data = mkdtempSync(path.join(tmpdir(), "tokenbooth-browser-"));
  let b = await start(data, "--fresh");
  const seen = () => {
    const vars = Object.fromEntries([...readFileSync(path.join(data, "credentials.env"), "utf8").matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]));
    const link = b.screen.match(/Console +(http:\S+)/)[1];
    return { vars, link, public: vars.TB_PUBLIC_URL, console: new URL(link).origin };
  };
  return {
    ...seen(), data, log: () => b.log,
    // restart stops the demo and goes on with what it kept: what it counts by the minute is counted then.
    async restart(between = () => {}) { await b.stop(); between(); b = await start(data); Object.assign(this, seen()); },
    // cli runs a command of the binary beside the running demo.
    cli: async (...args) => (await run(binary, [...args, "-c", path.join(data, "tokenbooth.yaml")], { timeout: 60_000 })).stdout,
    // invite registers an operator with roles such as viewer@demo and returns the link that signs in once.
    async invite(username, name, ...roles) {
      const said = await this.cli("operator", "create", username, "--name", name, ...roles.flatMap((role) => ["--role", role]));
      return said.match(/http:\S+\/sign-in\/link\?key=\S+/)[0];
    },
    // again makes another link for one who is registered.
    async again(username = "operator@demo.localhost") { return (await this.cli("operator", "invite", username)).match(/http:\S+\/sign-in\/link\?key=\S+/)[0]; },
    close: async () => { await b.stop(); rmSync(data, { recursive: true, force: true }); },
  };
}

// booth gives a spec file its own demo; its fields are there once the first test runs.
export function booth() {
  const b = {};
  base.beforeAll(async () => { Object.assign(b, await demo()); });
  base.afterAll(async () => { await b.close?.(); });
  return b;
}

// test has one fixture beyond Playwright's: window() opens a browser window (a context) that shares nothing with the others, and listens to it.
export const test = base.extend({
  window: async ({ browser }, use) => {
    const open = [], heard = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "UTC", ...options });
      open.push(context);
      await context.exposeBinding("__heard", (_, what) => { heard.push(what); }).catch(() => {});
      await context.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (e) => globalThis.__heard?.(`content policy: ${e.violatedDirective} ${e.blockedURI} on ${location.pathname}`));
      });
      context.on("page", (page) => listen(page, heard));
      const page = await context.newPage();
      page.heard = heard;
      return page;
    });
    for (const context of open) await context.close();
    expect(heard, "no dialog, no script's fault, nothing against the content policy").toEqual([]);
  },
});

function listen(page, heard) {
  page.on("dialog", (dialog) => { heard.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("pageerror", (fault) => { heard.push(`script: ${fault.message}`); });
  page.on("console", (said) => { if (/content.security.policy/i.test(said.text())) heard.push(`console: ${said.text()}`); });
}

// enter signs in by a one-time link.
export async function enter(page, link) {
  await page.goto(link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.locator("form[action='/sign-out']")).toBeAttached(); // in a narrow window it is in the menu, out of sight
}

// totp is the one-time code of a secret at a time step (RFC 6238).
function totp(secret, step) {
  let bits = "";
  for (const letter of secret.replace(/[\s=]/g, "")) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

// An App is an authenticator app. Every code is good once, so it counts on from the step it gave out last; a step ahead is let pass.
export class App {
  constructor(secret) { this.secret = secret; this.last = 0; }
  async code() {
    const now = () => Math.floor(Date.now() / 30_000);
    while (this.last > now()) await new Promise((done) => setTimeout(done, 30_000 - (Date.now() % 30_000))); // rarer than the third code in a minute
    this.last = Math.max(this.last + 1, now());
    return totp(this.secret, this.last);
  }
}

// password sets up a password with one-time codes, in a session that may, and returns all that signs in by them.
export async function password(page, origin) {
  const words = "correct horse battery staple, and 7 zebras";
  await page.goto(`${origin}/account/password`);
  const app = new App(await page.locator("#totp-key").innerText());
  await page.getByLabel("Password", { exact: true }).fill(words);
  await page.getByLabel("The same again").fill(words);
  await page.getByLabel("Code from the app").fill(await app.code());
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByRole("heading", { name: "Recovery codes" })).toBeVisible();
  const recovery = (await page.locator("#codes li").allInnerTexts()).map((code) => code.trim());
  return { password: words, app, recovery };
}

// confirm answers the question for a fresh sign-in, with a recovery code: those of the app are good only once in half a minute.
export async function confirm(page, proof) {
  await expect(page.getByRole("heading", { name: "Confirm that it is you" })).toBeVisible();
  await page.getByLabel("Password", { exact: true }).fill(proof.password);
  await page.getByLabel("Code", { exact: true }).fill(proof.recovery.pop());
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByText("Confirmed.")).toBeVisible();
}

// proven opens an address that asks for a fresh sign-in, and confirms by passkey where it does.
export async function proven(page, address) {
  await page.goto(address);
  const passkey = page.getByRole("button", { name: "Use your passkey" });
  if (!(await passkey.count())) return;
  await Promise.all([page.waitForURL((url) => url.pathname !== "/sign-in/again"), passkey.click()]);
}

// authenticator puts a virtual one with resident keys and user verification into the window of a page (W3C Web Authentication, section 11).
export async function authenticator(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal",
    hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  return { credentials: async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials };
}

// create registers a client in the console and stays on the page that shows its secret.
export async function create(page, origin, { name, description = "", permissions = ["NQL API"] }) {
  await page.goto(`${origin}/t/demo/new-client`);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Description").fill(description);
  for (const permission of permissions) await page.getByRole("checkbox", { name: permission }).check();
  await page.getByRole("button", { name: "Save and generate credentials" }).click();
  await expect(page.getByText("The secret is shown this once.")).toBeVisible();
  return { id: await page.locator("#client-id").innerText(), secret: await page.locator("#client-secret").innerText() };
}

// token asks for a token as a program would and returns the answer's status.
export async function token(b, id, secret) {
  const answer = await fetch(`${b.public}/oauth2/token`, { method: "POST", body: new URLSearchParams({ grant_type: "client_credentials" }),
    headers: { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` } });
  await answer.arrayBuffer();
  return answer.status;
}

// traffic is half an hour's business of the demo in a moment: tokens of several contracts, calls, and refusals of several kinds.
export async function traffic(b, rounds) {
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  const post = async (url, headers, body) => { const answer = await fetch(b.public + url, { method: "POST", headers, body }); return answer.text(); };
  for (let i = 0; i < rounds; i++) {
    const v = b.vars;
    const said = await Promise.all([
      token(b, v.OAUTH2_CLIENT_ID, v.OAUTH2_CLIENT_SECRET),
      post("/oauth2/default/v1/token", { ...form, Authorization: `Basic ${v.NEXTHINK_BASIC}` }, "grant_type=client_credentials&scope=service:integration"),
      post("/token", { "Content-Type": "application/json" }, JSON.stringify({ clientId: v.DADI_CLIENT_ID, secret: v.DADI_SECRET })),
      i % 3 ? token(b, v.NEXTHINK_NQL_CLIENT_ID, v.NEXTHINK_NQL_CLIENT_SECRET) : null,
    ]);
    if (i % 6 === 0) {
      const bearer = { Authorization: `Bearer ${JSON.parse(said[1]).access_token}` };
      await fetch(`${b.public}/api/v1/workflows`, { headers: bearer }).then((answer) => answer.text());
      await post("/oauth2/token", { ...form, Authorization: `Basic ${v.NEXTHINK_BASIC}` }, "grant_type=client_credentials&scope=everything");
      await fetch(`${b.public}/api/v1/nowhere`, { headers: bearer }).then((answer) => answer.text());
    }
    if (i % 20 === 0) await token(b, v.DADI_CLIENT_ID, "tbs_wrong");
    if (i === 0) {
      await post("/api/token", { client_id: "my-app", ...form }, new URLSearchParams({ grant_type: "password", username: v.NEXUDUS_USERNAME, password: v.NEXUDUS_PASSWORD }).toString());
    }
  }
}
