// The four pictures of the README. They are taken by hand, with PICTURES=1, because they belong to the repository: a run of the tests
// leaves docs alone. Everything in them is the demo's; the counts of the hours before now are written into its database, since nobody
// waits a day for a chart.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { booth, enter, expect, test, traffic } from "../harness.mjs";

const b = booth();
const place = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../../../docs/img");
const day = [225, 230, 240, 260, 310, 390, 540, 940, 1290, 1480, 1550, 1490, 1330, 1460, 1520, 1410, 1180, 720, 560, 470, 420, 380, 310, 280]; // a day of business, by the hour

// Each row carries a checksum over all that it says (internal/store/sqlite).
const yesterday = `
import datetime, json, sqlite3, sys
def number(n):
    out = bytearray()
    while n > 127: out.append(n & 127 | 128); n >>= 7
    return bytes(out + bytes([n]))
def text(s): return number(len(s)) + s.encode()
def castagnoli(b):
    c = 0xffffffff
    for x in b:
        c ^= x
        for _ in range(8): c = c >> 1 ^ (0x82f63b78 if c & 1 else 0)
    return c ^ 0xffffffff
db, counts = sqlite3.connect(sys.argv[1]), json.loads(sys.argv[2])
now = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)
for ago in range(1, 24):
    at = now - datetime.timedelta(hours=ago)
    issued = counts[at.hour]
    hour, ends = at.strftime("%Y-%m-%dT%H"), int((at + datetime.timedelta(days=90)).timestamp()) * 1000000
    body = json.dumps({"issued": issued, "refused": issued * (3 + ago * 7 % 5) // 100}, separators=(",", ":")).encode()
    said = text("demo") + text("tally") + text(hour) + text("") + text("") + number(1) + number(ends << 1) + body
    db.execute("insert into tally (tenant, id, rev, parent, label, expires, sum, body) values (?, ?, 1, '', '', ?, ?, ?)", ("demo", hour, ends, castagnoli(said), body))
db.commit()
`;

test("pictures for the README", async ({ window }) => {
  test.setTimeout(400_000);
  await b.restart(() => execFileSync("python3", ["-c", yesterday, path.join(b.data, "tokenbooth.db"), JSON.stringify(day)]));
  await traffic(b, 90);
  const page = await window({ viewport: { width: 1280, height: 780 } });
  const shoot = (name) => page.screenshot({ path: path.join(place, `${name}.png`), animations: "disabled" });
  await enter(page, b.link);

  for (const [name, description, permissions, ends] of [["Billing run", "Nightly export to the ledger. Ask for: finance systems.", ["NQL API"], 19],
    ["Creator Studio", "Power connector of the service desk.", ["Workflows API", "Remote Actions API"], 300], ["Onboarding", "Starts the workflow for new colleagues.", ["Workflows API", "Campaigns API"], 61]]) {
    await page.goto(`${b.console}/t/demo/new-client`);
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Description").fill(description);
    for (const one of permissions) await page.getByRole("checkbox", { name: one }).check();
    await page.getByRole("radio", { name: "At the end of" }).check();
    await page.locator("#ends_on").fill(new Date(Date.now() + ends * 86_400_000).toISOString().slice(0, 10));
    await page.getByRole("button", { name: "Save and generate credentials" }).click();
    await expect(page.locator("#client-secret")).toBeVisible();
    if (name === "Creator Studio") await shoot("credentials");
  }
  await page.goto(`${b.console}/t/demo/clients`);
  await shoot("clients");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(`${b.console}/t/demo/dialects/nexthink/playground`);
  await page.getByRole("button", { name: "See how it is read" }).click();
  await expect(page.getByRole("heading", { name: "Understood" })).toBeVisible();
  await page.evaluate(() => scrollTo(0, 0));
  await shoot("playground");
  await page.emulateMedia({ colorScheme: "light" });
  await expect(async () => { await page.goto(`${b.console}/t/demo?show=day`); await expect(page.getByText("No token was asked for yet")).toHaveCount(0, { timeout: 100 }); await expect(page.getByText(/\d\d tokens/).first()).toBeVisible({ timeout: 100 }); })
    .toPass({ timeout: 200_000, intervals: [5_000] });
  await shoot("overview");
});
