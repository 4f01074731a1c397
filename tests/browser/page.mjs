// page.mjs - Chromium at the dashboard, with everything watched that must not happen: console messages, errors, dialogs,
// requests to another origin, violations of the page's policy.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const VIEWS = ['overview', 'heatmap', 'top', 'alerts', 'history', 'quality', 'models', 'capacity', 'remediation', 'settings', 'docs'];
export { VIEWS };

/* `flags` of V8: with --jitless and --no-flush-bytecode the heap holds data only, not code that comes and goes with what is hot. */
export async function launch(flags = '') {
  return chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', ...(flags ? [`--js-flags=${flags}`] : [])] });
}

/* A tab of its own at `url`. `tolerated`: a regular expression of console texts that belong to the test. */
export async function open(browser, url, { width = 1440, height = 1000, theme = 'light', tolerated = null, zone = 'Europe/Berlin' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, timezoneId: zone, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  const faults = [];
  const origin = new URL(url).origin;
  let bytes = 0;
  page.on('console', (m) => { if (!tolerated?.test(m.text())) faults.push(`console ${m.type()}: ${m.text()}`); });
  page.on('pageerror', (e) => faults.push(`error: ${e.message}`));
  page.on('dialog', (d) => { faults.push(`dialog: ${d.message()}`); void d.dismiss(); });
  page.on('request', (r) => { if (!/^(data|blob):/.test(r.url()) && new URL(r.url()).origin !== origin) faults.push(`foreign request: ${r.url()}`); });
  page.on('requestfinished', async (r) => { if (r.url().includes('/ui/')) bytes += (await r.sizes().catch(() => ({ responseBodySize: 0 }))).responseBodySize; });
  const tab = {
    page, faults,
    transferred: () => bytes,
    async view(hash) {
      await page.goto(`${url}/ui/#/${hash}`);
      // The view before goes in the frame after its address has: what is waited for must be of the new one.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      await page.waitForFunction(() => document.querySelector('main') && document.querySelector('h1') && !document.querySelector('main .skeleton'), null, { timeout: 20000 }).catch(() => { throw new Error(`#/${hash} stays a skeleton`); });
    },
    async axe(where) {
      if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      for (const v of violations) faults.push(`axe ${where}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 140)).join(' | ')}`);
    },
    /* Milliseconds of main-thread time per update: median and largest of the last ones. */
    async cost(name = 'tftd:update') {
      return page.evaluate((n) => {
        const all = performance.getEntriesByName(n).map((e) => e.duration).sort((a, b) => a - b);
        return { n: all.length, median: all[all.length >> 1] ?? 0, largest: all.at(-1) ?? 0 };
      }, name);
    },
    async heap() {
      const cdp = await context.newCDPSession(page);
      for (let i = 0; i < 3; i++) await cdp.send('HeapProfiler.collectGarbage');
      const { usedSize } = await cdp.send('Runtime.getHeapUsage');
      await cdp.detach();
      return usedSize;
    },
    /* What is alive after the garbage has been collected: bytes of the JS heap, nodes (in the document or not), listeners. */
    async census() {
      const cdp = await context.newCDPSession(page);
      await cdp.send('Performance.enable');
      for (let i = 0; i < 3; i++) await cdp.send('HeapProfiler.collectGarbage');
      const { usedSize } = await cdp.send('Runtime.getHeapUsage');
      const of = Object.fromEntries((await cdp.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));
      await cdp.detach();
      return { heap: usedSize, nodes: of.Nodes, listeners: of.JSEventListeners };
    },
    async close() {
      await context.close();
      if (faults.length) throw new Error([...new Set(faults)].join('\n'));
    },
  };
  return tab;
}
