// The console of the real binary, in the Chromium that Debian ships. Nothing is downloaded but what package-lock.json pins.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "specs",
  testIgnore: process.env.PICTURES ? [] : "pictures.spec.mjs", // those of the README are taken by hand: npm run pictures
  outputDir: "artefacts/results",
  workers: 2, // each spec file has a demo of its own, so files do not see each other
  retries: 1, // a machine that is busy with something else may miss a deadline; what needed a second try is reported as flaky
  timeout: 120_000,
  globalTimeout: 600_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: [["list"], ["json", { outputFile: "artefacts/results.json" }]],
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    actionTimeout: 15_000,
    navigationTimeout: 20_000,
    screenshot: "only-on-failure",
    trace: "off", // a trace would hold the secrets that pages show
    launchOptions: {
      executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--short-reporting-delay"], // the last: what violates a content policy is reported at once, not within a minute
    },
  },
});
