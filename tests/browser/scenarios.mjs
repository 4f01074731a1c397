// scenarios.mjs NAME URL [JSON]: one scenario of the dashboard's test against a running daemon; test_dashboard.py starts it.
//
// It talks to its parent by lines: ">> WORD" asks for something (a tick of records, a restart) and waits for one line.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { launch, open, VIEWS } from './page.mjs';

const [, , name, url, more = '{}'] = process.argv;
const given = JSON.parse(more);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const ask = async (word) => {
  console.log(`>> ${word}`);
  await lines.next();
};
const say = (text) => console.log(`   ${text}`);
const browser = await launch();
const text = (page, selector) => page.locator(selector).first().innerText();
const until = (page, what, check, arg, timeout = 20000) => page.waitForFunction(check, arg, { timeout }).catch(() => { throw new Error(`waited in vain: ${what}`); });

/* ---- views --------------------------------------------------------------------------------------------- */

async function views() {
  for (const theme of ['light', 'dark']) {
    const tab = await open(browser, url, { theme });
    for (const view of [...VIEWS, `server/${given.server}`]) {
      await tab.view(view);
      await until(tab.page, `${view} is drawn`, () => document.querySelector('main').innerText.length > 40);
      if (theme === 'dark' || view !== 'docs') await tab.axe(`${view} ${theme}`);
      assert.ok(await tab.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} is wider than the window`);
    }
    await tab.close();
  }
  for (const theme of ['dark', 'light']) {
    const tab = await open(browser, url, { width: 390, height: 844, theme });
    for (const view of [...VIEWS, `server/${given.server}`]) {
      await tab.view(view);
      const wide = await tab.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide[0] <= wide[1], `${view} on a phone is ${wide[0]} wide`);
      await tab.axe(`${view} ${theme}, phone`);
    }
    await tab.close();
  }
  const phone = await open(browser, url, { width: 390, height: 844 });
  await phone.view('overview');
  await phone.page.getByRole('button', { name: 'Menu' }).click();
  await phone.axe('phone menu');
  await phone.page.getByRole('link', { name: 'Heatmap' }).click();
  await until(phone.page, 'the menu leads on', () => location.hash === '#/heatmap');
  await phone.close();
}

async function speed() {
  const paints = [];
  for (let i = 0; i < 5; i++) { // a fresh browser context each: nothing is cached
    const tab = await open(browser, url);
    await tab.view('overview');
    paints.push(await tab.page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
    await tab.close();
  }
  const tab = await open(browser, url);
  const [reply] = await Promise.all([tab.page.waitForResponse((r) => r.url().endsWith('/ui/')), tab.view('overview')]);
  const policy = reply.headers()['content-security-policy'];
  assert.ok(policy.includes("default-src 'none'") && !policy.includes('unsafe'), policy);
  await tab.page.waitForTimeout(1000);
  say(`first contentful paint ${Math.min(...paints).toFixed(0)} ms (median of ${paints.length} ${paints.sort((a, b) => a - b)[2].toFixed(0)} ms)`);
  assert.ok(Math.min(...paints) < 300 * given.slow, 'first contentful paint');
  // layout shifts: the page is let alone, data come, nothing that was there may move
  await tab.page.evaluate(() => {
    window.shift = 0;
    new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shift += e.value; }).observe({ type: 'layout-shift', buffered: true });
    performance.clearMeasures();
  });
  for (let i = 0; i < 10; i++) { await ask('tick'); await tab.page.waitForTimeout(300); }
  const cost = await tab.cost();
  const shift = await tab.page.evaluate(() => window.shift);
  say(`an update costs ${cost.median.toFixed(1)} ms (median of ${cost.n}, largest ${cost.largest.toFixed(1)}); layout shift from the first paint on ${shift.toFixed(3)}; files of the page ${(tab.transferred() / 1024).toFixed(1)} KiB`);
  assert.ok(tab.transferred() > 40 * 1024 && tab.transferred() < 150 * 1024);
  assert.ok(cost.n > 0 && cost.median < 10 * given.slow, 'an update');
  assert.ok(shift < 0.1, `the layout jumps: ${shift}`);
  await tab.close();
}

/* ---- controls ------------------------------------------------------------------------------------------ */

/* The control of a label: its words are in the label's first part, and a select's choices are not among them. */
const field = (page, label) => page.locator('main label', { has: page.locator('.field-label', { hasText: label }) }).locator('select, input').first();

async function controls() {
  const tab = await open(browser, url);
  const { page } = tab;
  await tab.view('overview');
  // keys: search, go to, help, theme, zone, pause
  await page.keyboard.press('/');
  await page.getByRole('combobox', { name: 'Server or view…' }).fill(given.server);
  await tab.axe('search');
  await page.keyboard.press('Enter');
  await until(page, 'search leads to the server', (s) => location.hash === '#/server/' + s, given.server);
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await until(page, 'g m is the heatmap', () => location.hash === '#/heatmap');
  await page.goBack();
  await until(page, 'back is back', (s) => location.hash === '#/server/' + s, given.server);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('t');
  await until(page, 't is the dark theme', () => document.documentElement.dataset.theme === 'dark');
  const before = await text(page, '.top-button[title^="Times in"]');
  await page.keyboard.press('z');
  await until(page, 'z is UTC', (b) => document.querySelector('.top-button[title^="Times in"]').textContent !== b, before);
  await page.keyboard.press('p');
  await until(page, 'p is pause', () => document.querySelector('.pulse-paused'));
  await page.keyboard.press('p');
  // server: every choice is part of the address
  await tab.view(`server/${given.server}`);
  await field(page, /^History$/).selectOption('24');
  await field(page, 'Compare with').selectOption('day');
  assert.match(page.url(), /span=24/);
  assert.match(page.url(), /overlay=day/);
  await page.locator('.plot').first().focus();
  await page.keyboard.press('ArrowRight');
  await until(page, 'the cursor speaks', () => document.querySelector('.readout').textContent.length > 5);
  await page.getByText('All values as a table').click();
  await until(page, 'the table of values', () => document.querySelectorAll('details table tbody tr').length > 5);
  // heatmap: metric, quantile, order, form; the canvas by keys
  await tab.view('heatmap');
  await field(page, 'Show').selectOption('cpu_pct');
  await field(page, 'Forecast as').selectOption('0.5');
  await field(page, 'Order').selectOption('name');
  await until(page, 'the grid', () => document.querySelector('.heatgrid canvas'));
  await page.locator('.heatgrid canvas').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.match(await text(page, '.grid-readout'), /\S+, .*%/);
  await page.keyboard.press('Enter');
  await until(page, 'Enter opens the server', () => location.hash.startsWith('#/server/'));
  await page.goBack();
  await page.getByRole('button', { name: 'tiles' }).click();
  await until(page, 'tiles', (n) => document.querySelectorAll('.tile').length === n, given.servers);
  await page.getByRole('button', { name: 'table' }).click();
  await until(page, 'table', () => document.querySelectorAll('main tbody tr').length > 3);
  await page.getByRole('button', { name: 'time', exact: true }).click();
  await field(page, 'Order').selectOption('profile');
  await field(page, 'Profile').selectOption({ index: 1 });
  await until(page, 'one profile only', (n) => Number(document.querySelector('.heatgrid canvas')?.getAttribute('aria-label').match(/for (\d+) servers/)[1]) < n, given.servers);
  // a table: sorting is in the address; copying takes all rows
  await tab.view('top');
  await page.locator('th button', { hasText: 'Server' }).click();
  assert.match(decodeURIComponent(page.url()), /all=server,asc/);
  await page.locator('.table-foot').getByRole('button', { name: 'Copy' }).last().click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied.split('\n').length, given.servers + 1);
  const [saved] = await Promise.all([page.waitForEvent('download'), page.locator('.table-foot').getByRole('button', { name: 'CSV' }).last().click()]);
  assert.equal(saved.suggestedFilename(), 'tftd-all.csv');
  // alerts: acknowledge, take back, silence, maintenance, end
  await tab.view('alerts');
  await page.getByRole('button', { name: /^Acknowledge/ }).first().click();
  await until(page, 'acknowledged', () => document.querySelector('.chip-ok'));
  await page.getByRole('button', { name: /^Take back/ }).first().click();
  await until(page, 'taken back', () => !document.querySelector('.chip-ok'));
  await page.getByText('New silence or maintenance').click();
  await field(page, 'Kind').selectOption('maintenance');
  await field(page, 'Servers (name or pattern').fill('no-such-*');
  await field(page, 'Comment').fill('=patching "it"');
  await page.getByRole('button', { name: 'Create' }).click();
  await until(page, 'the window is listed', () => document.querySelector('main').textContent.includes('server=no-such-*'));
  await page.getByRole('button', { name: /^End now/ }).first().click();
  await until(page, 'it has ended', () => ![...document.querySelectorAll('button')].some((b) => b.textContent.startsWith('End now')));
  await page.getByRole('button', { name: 'History', exact: true }).click();
  await until(page, 'alerts that are over', () => location.hash.includes('status=resolved'));
  await field(page, 'Span').selectOption('-7d');
  // history: every list, a span of one's own, all of it as a file
  await tab.view('history');
  await until(page, 'charts of the past', () => document.querySelectorAll('.figure').length >= 3);
  await field(page, 'Server').selectOption(given.server);
  assert.match(page.url(), new RegExp(`#/history/${given.server}`));
  await field(page, 'Span').selectOption('custom');
  await field(page, 'From').fill('2026-01-02T00:00');
  await field(page, 'To').fill('2026-01-01T00:00');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await until(page, 'a span that runs backwards is refused', () => document.querySelector('.result-bad').textContent.includes('before'));
  await field(page, 'To').fill('2026-01-03T00:00');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await until(page, 'an empty span says so', () => document.querySelector('main').textContent.includes('Nothing was recorded'));
  assert.match(decodeURIComponent(page.url()), /span=custom&from=2026-01-0\dT\d\d:00:00.000Z&to=/);
  for (const what of ['the fleet', 'alerts', 'incidents', 'raw records']) {
    await tab.view(`history/${given.server}?span=-24h`);
    await page.locator('.controls').getByRole('button', { name: what, exact: true }).click();
    await until(page, `a list of ${what}`, () => document.querySelector('main table tbody tr, main .empty'));
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download CSV' }).click()]);
    assert.match(file.suggestedFilename(), /^tftd-\w+\.csv$/);
  }
  // quality, models, docs: every choice
  await tab.view('quality');
  for (const by of ['horizon', 'profile', 'server', 'model', 'metric']) {
    await page.locator('main .controls select').first().selectOption(by);
    await until(page, `scores by ${by}`, () => document.querySelector('main .card') && !document.querySelector('main .skeleton'));
  }
  await page.locator('[aria-labelledby=h-reliability] select').selectOption('8h');
  assert.match(page.url(), /horizon=8h/);
  await tab.view('models');
  const promote = page.getByRole('button', { name: 'Roll back' });
  await promote.click();
  await page.getByRole('button', { name: 'No', exact: true }).click();
  await promote.waitFor();
  await tab.view('docs');
  await page.locator('.docs-nav a').nth(1).click();
  await until(page, 'another guide', () => location.hash.startsWith('#/docs/') && document.querySelector('.guide h2, .guide h3'));
  await tab.view('top');
  await field(page, 'Servers').selectOption('3');
  await until(page, 'three cards', () => document.querySelectorAll('.top-card').length === 3);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  assert.equal(await page.evaluate(() => document.activeElement.hasAttribute('data-row')), true);
  // the address is the whole state: a reload shows the same choices
  await tab.view(`server/${given.server}?span=24&overlay=week&said=2`);
  await page.reload();
  await until(page, 'the state after a reload', () => [...document.querySelectorAll('main .controls select')].map((s) => s.value).join() === '24,week,2');
  // the pace: every five minutes, and live again
  await page.getByLabel('Refresh').selectOption('300');
  await until(page, 'every five minutes', () => document.querySelector('.pulse').textContent.includes('5 min'));
  await page.getByLabel('Refresh').selectOption('0');
  // the calculator keeps its assumptions in the address
  await tab.view('capacity');
  await field(page, 'Incidents a month').fill('20');
  await page.keyboard.press('Tab');
  assert.match(page.url(), /incidents=20/);
  // a reader's own levels are kept in this browser and drawn; a runbook's address is filled in, and only a web address is taken
  await tab.view('settings');
  await field(page, 'CPU, warning').fill('61');
  await page.locator('[aria-labelledby=h-levels]').getByRole('button', { name: 'Keep' }).click();
  await until(page, 'the level is kept', () => JSON.parse(localStorage['tftd.prefs']).levels.cpu_pct?.[0] === 61);
  await field(page, 'Runbooks at').fill('javascript:alert(1)');
  await page.locator('[aria-labelledby=h-runbooks]').getByRole('button', { name: 'Keep' }).click();
  await until(page, 'a script is no address', () => document.querySelector('[aria-labelledby=h-runbooks]').textContent.includes('https://'));
  assert.equal(await page.evaluate(() => JSON.parse(localStorage['tftd.prefs']).runbook), '');
  await field(page, 'Runbooks at').fill('https://wiki.example.org/{profile}#{metric}');
  await page.locator('[aria-labelledby=h-runbooks]').getByRole('button', { name: 'Keep' }).click();
  await tab.view('remediation');
  await until(page, 'the runbook of the profile', () => [...document.querySelectorAll('main td a')].some((a) => /^https:\/\/wiki\.example\.org\/\w+#\w+$/.test(a.href)));
  // settings are kept
  await tab.view('settings');
  await field(page, 'Theme').selectOption('light');
  await page.reload();
  await until(page, 'the theme was kept', () => document.documentElement.dataset.theme === 'light');
  // print hides what cannot be used on paper
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('.nav').isVisible(), false);
  await tab.close();
}

/* ---- life ---------------------------------------------------------------------------------------------- */

async function life() {
  const tab = await open(browser, url, { tolerated: /ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE|ERR_SOCKET|ERR_FAILED|503/ });
  const { page } = tab;
  await tab.view('overview');
  const shown = async () => Number((await text(page, '.foot')).match(/([\d,]+) records/)[1].replaceAll(',', ''));
  const before = await shown();
  const began = Date.now();
  await ask('tick');
  await until(page, 'a tick shows without a reload', (n) => Number(document.querySelector('.foot').textContent.match(/([\d,]+) records/)[1].replaceAll(',', '')) > n, before);
  say(`a tick is on the page after ${Date.now() - began} ms`);
  await ask('stop');
  await until(page, 'the page says that nobody answers', () => document.querySelector('.banner-bad') && document.querySelector('.is-stale'));
  await ask('start');
  await until(page, 'the page comes back by itself', () => !document.querySelector('.banner-bad') && !document.querySelector('.is-stale'), undefined, 40000);
  await tab.close();

  const slow = await open(browser, url);
  const cdp = await slow.page.context().newCDPSession(slow.page);
  await cdp.send('Network.enable');
  await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 600, downloadThroughput: 40000, uploadThroughput: 20000 });
  await slow.page.goto(`${url}/ui/#/overview`);
  await until(slow.page, 'something before the data', () => document.querySelector('.skeleton, .headline'), undefined, 30000);
  await until(slow.page, 'the data at last', () => document.querySelector('.headline h1'), undefined, 60000);
  await slow.close();
}

/* The heap while updates come: `minutes` of them from a stream (the parent's), else a few rounds of single ticks. The page is
 * walked through its busiest views; after each round the garbage is collected and what is left is noted. Flat: the last third's
 * median is not above the first third's by more than 1.5 MiB, whatever a single round holds at the moment it is asked. */
async function heap() {
  const tab = await open(browser, url);
  const minutes = given.minutes ?? 0;
  await tab.view('overview');
  const walk = ['overview', 'heatmap', 'heatmap?metric=cpu_pct', 'top', `server/${given.server}?overlay=day`, 'alerts', 'capacity'];
  const pace = minutes ? 4000 : 500;
  // the page walks by itself: a function that the test sends each time would stay in the page's heap, as a script of its own
  await tab.page.evaluate(([views, ms]) => {
    let at = 0;
    window.drawn = 0;
    setInterval(() => {
      location.hash = '#/' + views[at++ % views.length];
      window.drawn += performance.getEntriesByName('tftd:update').length;
      performance.clearMeasures();
      performance.clearResourceTimings();
    }, ms);
  }, [walk, pace]);
  const round = async () => {
    for (let i = 0; i < walk.length; i++) {
      if (!minutes) await ask('tick');
      await tab.page.waitForTimeout(pace);
    }
  };
  for (let i = 0; i < 4; i++) await round();
  const until = Date.now() + minutes * 60000;
  const heaps = [];
  do {
    await round();
    heaps.push((await tab.heap()) / 1048576);
    if (minutes && heaps.length % 5 === 1) say(`${new Date().toISOString().slice(11, 19)} JS heap ${heaps.at(-1).toFixed(2)} MiB`);
  } while (minutes ? Date.now() < until : heaps.length < 6);
  const drawn = await tab.page.evaluate(() => window.drawn);
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const third = Math.ceil(heaps.length / 3);
  const [first, last] = [median(heaps.slice(0, third)), median(heaps.slice(-third))];
  say(`JS heap over ${minutes || '<1'} min and ${drawn} updates: first third ${first.toFixed(2)} MiB, last third ${last.toFixed(2)} MiB, largest ${Math.max(...heaps).toFixed(2)} MiB`);
  assert.ok(last < first + 1.5, 'the heap grows');
  await tab.close();
}

/* ---- fleets -------------------------------------------------------------------------------------------- */

/* The demo's switch: what the generator does is what the page says. */
async function demo() {
  const tab = await open(browser, url);
  await tab.view('overview');
  const scenarios = tab.page.getByRole('group', { name: 'Demo fleet' });
  for (const name of ['Critical', 'Healthy', 'Degrading']) {
    await scenarios.getByRole('button', { name }).click();
    await until(tab.page, `${name} is chosen`, (n) => [...document.querySelectorAll('.demo .tab')].find((b) => b.textContent === n)?.getAttribute('aria-pressed') === 'true', name);
    await ask(name.toLowerCase());
  }
  await tab.axe('demo');
  await tab.close();
}

async function empty() {
  const tab = await open(browser, url);
  await tab.page.goto(`${url}/ui/`);
  await until(tab.page, 'what to do', () => document.querySelector('.banner pre')?.textContent.includes('--demo'));
  for (const view of VIEWS) {
    await tab.page.goto(`${url}/ui/#/${view}`);
    await tab.page.waitForTimeout(150);
    assert.ok((await text(tab.page, 'main')).length > 20, view);
  }
  await tab.axe('empty');
  await ask('one');
  await until(tab.page, 'warm-up of one server', () => document.querySelector('.banner progress'), undefined, 30000);
  await tab.page.goto(`${url}/ui/#/overview`);
  await tab.page.getByText('Progress per server').click();
  assert.match(await text(tab.page, '.warming'), /records to go/);
  await tab.axe('warm-up');
  await tab.close();
}

async function many() {
  const tab = await open(browser, url);
  for (const view of ['overview', 'top', 'capacity']) await tab.view(view);
  const overview = await tab.cost();
  await tab.view('heatmap?metric=cpu_pct');
  await until(tab.page, 'the grid', () => document.querySelector('.heatgrid canvas'));
  await tab.page.evaluate(() => performance.clearMeasures());
  for (const order of ['name', 'max', 'profile', 'risk']) {
    await field(tab.page, 'Order').selectOption(order);
    await tab.page.waitForTimeout(400);
  }
  await ask('tick');
  await tab.page.waitForTimeout(6000);
  const cost = await tab.cost('tftd:heatmap');
  say(`${given.servers} servers: a heatmap update costs ${cost.median.toFixed(1)} ms (median of ${cost.n}, largest ${cost.largest.toFixed(1)}); other updates ${overview.median.toFixed(1)} ms`);
  assert.ok(cost.n > 0 && cost.median < 50 * given.slow);
  await tab.close();
}

async function hostile() {
  const tab = await open(browser, url);
  await tab.view('overview');
  for (const server of given.names) {
    await tab.view(`server/${encodeURIComponent(server)}`);
    assert.equal((await tab.page.locator('.server-title h1 bdi').textContent()), server);
    assert.ok(await tab.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'a name makes the page wide');
    assert.equal(await tab.page.locator('main img, main script, main iframe').count(), 0);
  }
  for (const view of ['heatmap?mode=tiles', 'heatmap', 'top', 'alerts', 'remediation', 'capacity', 'history']) await tab.view(view);
  await tab.view('top?alln=500');
  await tab.page.locator('table a.name').nth(given.names.length + 2).waitFor(); // the list is drawn when its data are there
  const links = await tab.page.locator('table a.name').allTextContents();
  for (const server of given.names) assert.ok(links.includes(server), `${server} is not in the list`);
  await tab.close();
}

async function reader() {
  const tab = await open(browser, url, { tolerated: /40[13]/ });
  await tab.page.goto(`${url}/ui/`);
  await tab.page.getByLabel('API key').fill(given.key);
  await tab.axe('key form');
  await tab.page.getByRole('button', { name: 'Use key' }).click();
  await until(tab.page, 'the fleet, with a key', () => document.querySelector('.headline h1'));
  await tab.page.evaluate(() => { location.hash = '#/alerts'; });
  await tab.page.getByRole('button', { name: /^Acknowledge/ }).first().click();
  await until(tab.page, 'the page says that the key may not', () => document.querySelector('.result-bad')?.textContent.includes('may not'));
  assert.equal(await tab.page.evaluate(() => Object.keys(localStorage).some((k) => localStorage[k].includes('tftd_'))), false);
  await tab.close();
}

try {
  await { views, speed, controls, life, heap, demo, empty, many, hostile, reader }[name]();
} catch (reason) {
  console.error(`${name}: ${reason.stack}`);
  process.exitCode = 1;
}
await browser.close();
process.exit();
