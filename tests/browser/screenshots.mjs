// screenshots.mjs URL DIR: every view in both themes and at phone width, as PNG, once the fleet's replay has come up to the clock. The
// last three quarters of an hour of it are critical, so that there is something to see.
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, open, VIEWS } from './page.mjs';

const [, , url, dir] = process.argv;
const CRITICAL_MS = 45 * 60000;
const api = async (path, init) => (await fetch(url + path, init)).json().catch(() => ({}));

async function caughtUp() {
  const until = Date.now() + 40 * 60000;
  let critical = false;
  while (Date.now() < until) {
    const newest = (await api('/api/v1/servers?sort=last_seen&limit=1')).items?.[0]?.last_seen;
    const lag = newest ? Date.now() - Date.parse(newest) : Infinity;
    if (!critical && lag < CRITICAL_MS) {
      await api('/api/v1/demo', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"scenario": "critical"}' });
      critical = true;
    }
    if (lag < 30000 && (await api('/api/v1/quality?from=-7d&group_by=server')).items?.length) return;
    await sleep(1000);
  }
  throw new Error('the fleet has not come up to the clock, or nothing was scored');
}

await caughtUp();
mkdirSync(dir, { recursive: true });
const browser = await launch();
const worst = (await api('/api/v1/risk?limit=1')).items[0].server_name;
const shots = [...VIEWS.map((v) => [v, v === 'heatmap' ? 'heatmap?metric=cpu_pct' : v === 'docs' ? 'docs/dashboard' : v]), ['server', `server/${encodeURIComponent(worst)}?overlay=day`]];
for (const [kind, options] of [['light', { theme: 'light' }], ['dark', { theme: 'dark' }], ['phone', { width: 390, height: 844 }]]) {
  const tab = await open(browser, url, { zone: 'UTC', height: 900, width: 1360, ...options });
  for (const [name, hash] of shots) {
    await tab.view(hash);
    await tab.page.waitForTimeout(1200);
    await tab.page.screenshot({ path: `${dir}/${name}-${kind}.png` });
    if (name !== 'server') continue;
    await tab.page.locator('[aria-labelledby=h-track]').scrollIntoViewIfNeeded(); // why, and how well it has been forecast so far
    await tab.page.waitForTimeout(300);
    await tab.page.screenshot({ path: `${dir}/server-record-${kind}.png` });
  }
  await tab.close();
}
await browser.close();
