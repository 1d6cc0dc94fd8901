// Looks at pages with axe in a real Chromium: on a phone of 320 pixels and at a desk, in light and dark. No fault ends with 0.
//
//   npm install --no-save axe-core puppeteer-core          (in any folder; they are no part of contactflow)
//   NODE_PATH=FOLDER/node_modules CHROMIUM=/usr/bin/chromium node scripts/house/axe.mjs ADDRESS...
//
// By hand, because the tests of every change have no browser. A form is looked at empty, and once more as it comes back when it is
// sent so. What is found: faults of WCAG 2.2 AA and axe's own advice, sideways scrolling, requests to others, and more than 50 kB.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.env.NODE_PATH ?? process.cwd()}/x.js`);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const HEAVIEST = 50_000;

const browser = await require("puppeteer-core").launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
let looked = 0, wrong = 0;
for (const address of process.argv.slice(2))
  for (const width of [320, 1200])
    for (const scheme of ["light", "dark"])
      for (const sent of [false, true]) await look(address, width, scheme, sent);
await browser.close();
console.log(`${looked} pages, ${wrong} with faults`);
process.exit(wrong ? 1 : 0);

async function look(address, width, scheme, sent) {
  const page = await browser.newPage();
  await page.setBypassCSP(true); // axe is a script, and the pages allow none
  await page.setViewport({ width, height: 800 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  let bytes = 0, elsewhere = 0;
  page.on("response", async (answer) => {
    if (new URL(answer.url()).origin !== new URL(address).origin) elsewhere += 1;
    if (!(answer.headers()["content-type"] ?? "").startsWith("image/")) bytes += (await answer.buffer().catch(() => "")).length;
  });
  await page.goto(address, { waitUntil: "networkidle0" });
  const form = await page.$("main form");
  if (form || !sent) {
    if (sent) {
      bytes = 0;
      await Promise.all([page.waitForNavigation({ waitUntil: "networkidle0" }), form.evaluate((each) => each.submit())]);
    }
    await page.evaluate(axe);
    const found = await page.evaluate((values) => window.axe.run(document, { runOnly: values }), rules);
    const scrolls = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    const faults = found.violations.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 120)}`);
    if (scrolls) faults.push("it scrolls sideways");
    if (elsewhere) faults.push("it asks others");
    if (bytes > HEAVIEST) faults.push(`${Math.round(bytes / 1000)} kB without pictures`);
    looked += 1;
    if (faults.length) {
      wrong += 1;
      console.log([`${new URL(address).pathname.slice(0, 3)} ${width} ${scheme}${sent ? " sent" : ""}`, ...faults].join("\n    "));
    }
  }
  await page.close();
}
