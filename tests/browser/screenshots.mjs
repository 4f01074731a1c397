// screenshots.mjs URL DIR: every view in both themes and at phone width, as PNG.
import { mkdirSync } from 'node:fs';
import { launch, open, VIEWS } from './page.mjs';

const [, , url, dir] = process.argv;
mkdirSync(dir, { recursive: true });
const browser = await launch();
const worst = (await (await fetch(`${url}/api/v1/risk?limit=1`)).json()).items[0].server_name;
const shots = [...VIEWS.map((v) => [v, v === 'heatmap' ? 'heatmap?metric=cpu_pct' : v === 'docs' ? 'docs/dashboard' : v]), ['server', `server/${encodeURIComponent(worst)}?overlay=day`]];
for (const [kind, options] of [['light', { theme: 'light' }], ['dark', { theme: 'dark' }], ['phone', { width: 390, height: 844 }]]) {
  const tab = await open(browser, url, { zone: 'UTC', height: 900, width: 1360, ...options });
  for (const [name, hash] of shots) {
    await tab.view(hash);
    await tab.page.waitForTimeout(1200);
    await tab.page.screenshot({ path: `${dir}/${name}-${kind}.png` });
  }
  await tab.close();
}
await browser.close();
