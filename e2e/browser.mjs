// Drives one headless browser for the tests: a JSON command per line on
// standard input, an answer per line on standard output.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
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
const context = await browser.newContext({ viewport: { width: 960, height: 640 }, permissions: ["clipboard-read", "clipboard-write"] });
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
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
  fill: ({ page, script, text, ms }) => pages.get(page).locator(script).first().fill(text, { timeout: ms }),
  press: ({ page, key }) => pages.get(page).keyboard.press(key),
  async look({ page, width, height, dark }) {
    await pages.get(page).setViewportSize({ width, height });
    await pages.get(page).emulateMedia({ colorScheme: dark ? "dark" : "light", reducedMotion: "reduce" });
  },
  // What axe finds against accessibility, as one line each.
  async audit({ page }) {
    await pages.get(page).evaluate(axe);
    const { violations } = await pages.get(page).evaluate("axe.run({ resultTypes: ['violations'] })");
    return violations
      .filter((v) => v.impact === "serious" || v.impact === "critical")
      .map((v) => `${v.impact}: ${v.help} (${v.id}) at ${v.nodes.map((n) => `${n.target.join(" ")}: ${n.any[0]?.message ?? ""}`).join(" | ")}`);
  },
  // Goes through a page by Tab, from its first element on: which places show no
  // focus, which cannot be reached, and where the page has taken the focus away. What
  // was not there when it began may have come behind its back.
  async walk({ page }) {
    const walked = pages.get(page);
    await walked.evaluate(`(${startWalk})()`);
    await walked.keyboard.press("Shift+Tab");
    await walked.keyboard.press("Tab");
    const dim = [];
    let last = "the first element";
    for (let i = 0; i < 300; i++) {
      const step = await walked.evaluate(`(${stepWalk})()`);
      if (!step) break;
      last = step.name;
      if (!step.marked) dim.push(step.name);
      await walked.keyboard.press("Tab");
    }
    const missed = await walked.evaluate("window.unwalked()");
    const lost = missed.length > 0 && (await walked.evaluate("document.activeElement === document.body")) ? last : "";
    await walked.evaluate("document.activeElement.blur(), scrollTo(0, 0)");
    return { dim, missed, lost };
  },
  screenshot: ({ page, path }) => pages.get(page).screenshot({ path }).then(() => null),
  async close({ page }) {
    await pages.get(page).close();
    pages.delete(page);
  },
};

// These run in the page.

function startWalk() {
  const walked = new Set();
  const all = () =>
    [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")].filter(
      (e) => !e.disabled && e.checkVisibility({ visibilityProperty: true }) && !(e.type === "radio" && !e.checked),
    );
  const first = new Set(all());
  window.walk = (e) => !walked.has(e) && walked.add(e);
  window.unwalked = () => all().filter((e) => first.has(e) && !walked.has(e)).map((e) => e.outerHTML.slice(0, 120));
  all()[0].focus();
}

function stepWalk() {
  const e = document.activeElement;
  if (!e || e === document.body || !window.walk(e)) return null;
  // A radio button that is drawn by its neighbour shows its focus there.
  const marked = [e, e.nextElementSibling].some((x) => {
    const s = x && getComputedStyle(x);
    return s && s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1;
  });
  return { marked, name: e.outerHTML.slice(0, 120) };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  operations[command.op](command).then(
    (result) => console.log(JSON.stringify({ id: command.id, result: result ?? null })),
    (error) => console.log(JSON.stringify({ id: command.id, error: String(error) })),
  );
}
await browser.close();
