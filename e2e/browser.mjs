// Drives one headless browser for the tests: a JSON command per line on
// standard input, an answer per line on standard output.
import readline from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    // A page behind another one must play on as a visible one does.
    "--disable-renderer-backgrounding", "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
  ],
});
const context = await browser.newContext({ viewport: { width: 960, height: 640 } });
const pages = new Map();

const operations = {
  async open({ page, url }) {
    const opened = await context.newPage();
    pages.set(page, opened);
    await opened.goto(url, { waitUntil: "load" });
  },
  evaluate: ({ page, script }) => pages.get(page).evaluate(script),
  // Polls from here: a page's own policy may forbid it to evaluate strings.
  async wait({ page, script, ms }) {
    for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) {
      if (await pages.get(page).evaluate(`Boolean(${script})`)) return;
    }
    throw new Error(`not within ${ms} ms: ${script}`);
  },
  click: ({ page, script, ms }) => pages.get(page).locator(script).first().click({ timeout: ms }),
  screenshot: ({ page, path }) => pages.get(page).screenshot({ path }).then(() => null),
  async close({ page }) {
    await pages.get(page).close();
    pages.delete(page);
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  operations[command.op](command).then(
    (result) => console.log(JSON.stringify({ id: command.id, result: result ?? null })),
    (error) => console.log(JSON.stringify({ id: command.id, error: String(error) })),
  );
}
await browser.close();
