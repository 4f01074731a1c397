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
const browser = await launch(given.flags ?? '');
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
      await until(tab.page, `${view} is drawn`, () => document.querySelector('main').innerText.length > 40);
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
    // servers that change places in a list because their order changed are no jump; whatever else moves is
    const jumps = (e) => e.sources.some(({ node, previousRect, currentRect }) => node && previousRect.top !== currentRect.top
      && !(node.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest('tr, .lane'));
    new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput && jumps(e)) window.shift += e.value; }).observe({ type: 'layout-shift', buffered: true });
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

/* ---- states --------------------------------------------------------------------------------------------- */

/* Every choice of every view stands in the address: opened from there, in a browser that has never been here, the view shows it. The
 * back button goes back through them as they were. */
async function states() {
  const s = given.server;
  const choices = (page) => page.evaluate(() => [...document.querySelectorAll('main .view-body select')].map((x) => x.value).filter((v) => v !== '').join());
  const pressed = (page) => page.evaluate(() => [...document.querySelectorAll('main .view-body [aria-pressed=true]')].map((x) => x.textContent).join());
  const sortedBy = (page) => page.evaluate(() => [...document.querySelectorAll('main th[aria-sort]')].map((x) => `${x.textContent.replace(/[↑↓]/, '')} ${x.getAttribute('aria-sort')}`).join());
  const here = [
    [`server/${s}?span=72&overlay=week&said=4`, choices, /^72,week,4$/],
    [`server/${s}?table=1`, (page) => page.evaluate(() => document.querySelectorAll('details[open] table tbody tr').length > 5), true],
    ['heatmap?metric=mem_pct&q=0.5&sort=profile&profile=web_api', choices, /^mem_pct,0\.5,profile,web_api$/],
    ['heatmap?metric=cpu_pct&mode=tiles', pressed, /^tiles$/],
    ['heatmap?metric=cpu_pct&mode=table&heat=server,desc', sortedBy, /^Server descending$/],
    ['top?n=10&all=p8,asc', async (page) => `${await page.locator('.top-card').count()} ${await sortedBy(page)}`, /^10 .* ascending$/],
    ['alerts?severity=critical&list=server,desc', async (page) => `${await choices(page)} ${await sortedBy(page)}`, /^critical\S* Server descending/],
    ['alerts?status=resolved&from=-7d', choices, /-7d/],
    [`history/${s}?span=-6h`, choices, new RegExp(`${s},-6h`)],
    ['history?what=environment&span=-3d', async (page) => `${await pressed(page)} ${await choices(page)}`, /^the fleet -3d$/],
    ['history?what=incidents&span=-7d', pressed, /^incidents$/],
    ['quality?by=horizon&horizon=4h', choices, /horizon.*4h/],
    ['capacity?incidents=7&cost=250', (page) => page.evaluate(() => [...document.querySelectorAll('main input[type=number]')].map((x) => x.value).join()), /^7,250,/],
    ['docs/operations', (page) => page.evaluate(() => document.querySelector('.docs-nav [aria-current=page]').textContent), /./],
    ['overview?risk=server,asc', sortedBy, /^Server ascending/],
    ['remediation?todo=server,asc', async (page) => (await sortedBy(page)) || 'nobody', /^Server ascending|^nobody$/],
    ['settings?config=key,desc', sortedBy, /descending/],
    ['models?models=id,desc', sortedBy, /^Model descending/],
  ];
  const tab = await open(browser, url);
  for (const [hash, read, wanted] of here) {
    await tab.page.goto('about:blank');
    await tab.view(hash);
    await tab.page.waitForTimeout(300); // what the data bring
    const got = await read(tab.page);
    assert.ok(wanted instanceof RegExp ? wanted.test(got) : got === wanted, `#/${hash} shows ${got}`);
  }
  for (const [hash, read, wanted] of here.slice(0, 6)) await tab.page.evaluate((h) => { location.hash = `#/${h}`; }, hash);
  for (const [hash, read, wanted] of here.slice(0, 5).reverse()) {
    await tab.page.goBack();
    await until(tab.page, `back to #/${hash}`, (h) => decodeURIComponent(location.hash) === `#/${h}` && !document.querySelector('main .skeleton'), hash);
    await tab.page.waitForTimeout(300);
    const got = await read(tab.page);
    assert.ok(wanted instanceof RegExp ? wanted.test(got) : got === wanted, `back at #/${hash}: ${got}`);
  }
  await tab.close();
}

/* ---- habits --------------------------------------------------------------------------------------------- */

async function habits() {
  const tab = await open(browser, url, { tolerated: /40[034]|500|ERR_FAILED/ });
  const { page } = tab;
  // by keyboard alone: the first tab stop skips to the content
  await tab.view('overview');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  await until(page, 'the content has the focus', () => document.activeElement.id === 'content');
  for (const [letter, view] of [['h', 'history'], ['q', 'quality'], ['l', 'models'], ['c', 'capacity'], ['r', 'remediation'], ['s', 'settings'], ['d', 'docs'], ['a', 'alerts'], ['t', 'top'], ['m', 'heatmap'], ['o', 'overview']]) {
    await page.keyboard.press('g');
    await page.keyboard.press(letter);
    await until(page, `g ${letter} is ${view}`, (v) => location.hash === `#/${v}` && document.querySelector(`.nav [href="#/${v}"]`).getAttribute('aria-current') === 'page', view);
  }
  // the search: arrows choose, a view is found too, nothing found says so, Escape gives the focus back
  await page.keyboard.press('/');
  const box = page.getByRole('combobox', { name: 'Server or view…' });
  await box.fill('ppweb');
  await page.keyboard.press('ArrowDown');
  const second = await page.locator('.search-hit .name').nth(1).innerText();
  assert.equal(await page.locator('.search-hit').nth(1).getAttribute('aria-selected'), 'true');
  await page.keyboard.press('Enter');
  await until(page, 'the second that was found', (n) => location.hash === `#/server/${n}`, second);
  await page.keyboard.press('/');
  await box.fill('no-such-thing');
  await until(page, 'nothing found', () => document.querySelectorAll('.search-hit').length === 0 && document.querySelector('.search-count').textContent.length > 5);
  await box.fill('capac');
  await page.keyboard.press('Enter');
  await until(page, 'a view by its name', () => location.hash === '#/capacity');
  // single keys can be switched off
  await tab.view('settings');
  await field(page, 'Single-key').selectOption('off');
  await page.locator('#content').focus();
  await page.keyboard.press('?');
  await page.waitForTimeout(200);
  assert.equal(await page.locator('dialog').count(), 0);
  await field(page, 'Single-key').selectOption('on');
  // times are of the zone that is chosen: Berlin in winter is an hour ahead
  await tab.view('overview');
  const minutes = async () => { const [h, m] = (await text(page, '.foot')).match(/Updated (\d\d):(\d\d)/).slice(1).map(Number); return 60 * h + m; };
  const local = await minutes();
  await page.keyboard.press('z');
  await until(page, 'UTC', () => document.querySelector('.top-button[title^="Times in"]').textContent === 'UTC');
  const ahead = (local - (await minutes()) + 1440) % 1440;
  assert.ok(ahead >= 59 && ahead <= 121, `local is ${ahead} min ahead of UTC`);
  // the theme follows the system until one is chosen
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await until(page, 'dark with the system', () => document.documentElement.dataset.theme === 'dark');
  await page.emulateMedia({ colorScheme: 'light' });
  // the pace: every 5 s without news; paused: not even with news
  const asked = async (during) => {
    let n = 0;
    const count = (r) => { if (r.url().includes('/api/v1/servers?')) n++; };
    page.on('request', count);
    await during();
    page.off('request', count);
    return n;
  };
  await page.getByLabel('Refresh').selectOption('5');
  await page.waitForTimeout(1500);
  const paced = await asked(() => page.waitForTimeout(11000));
  assert.ok(paced >= 2 && paced <= 8, `${paced} requests in 11 s at a pace of 5 s`);
  await page.keyboard.press('p');
  assert.equal(await asked(async () => { await ask('tick'); await page.waitForTimeout(7000); }), 0);
  await page.keyboard.press('p');
  await page.getByLabel('Refresh').selectOption('0');
  // a sorted table is copied as it is seen, and a table that repeats says so to a screen reader
  await tab.view('top');
  await page.locator('th button', { hasText: 'Server' }).click();
  await page.locator('th button', { hasText: 'Server' }).click();
  await page.locator('.table-foot').getByRole('button', { name: 'Copy' }).last().click();
  const names = (await page.evaluate(() => navigator.clipboard.readText())).split('\n').slice(1).map((l) => l.split('\t')[1]);
  assert.deepEqual(names, [...names].sort((a, b) => b.localeCompare(a, 'en', { numeric: true })));
  assert.equal(await page.locator('th[aria-sort=descending]').last().innerText().then((t) => t.includes('Server')), true);
  // what is not there says what to do
  await page.evaluate(() => { location.hash = '#/server/nobody'; });
  await until(page, 'an unknown server', () => /No server named/.test(document.querySelector('main').textContent) && document.querySelector('main a[href="#/top"]'));
  await tab.axe('unknown server');
  await page.evaluate(() => { location.hash = '#/no-such-view'; });
  await until(page, 'an unknown view is the overview', () => document.querySelector('.headline h1'));
  await page.route('**/api/v1/quality**', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"title": "Out of order", "detail": "the disk is full", "status": 500}' }));
  await page.goto('about:blank');
  await page.goto(`${url}/ui/#/quality`);
  await until(page, 'what the daemon says of its trouble', () => document.querySelector('main').textContent.includes('the disk is full'));
  await tab.axe('refused');
  await page.unroute('**/api/v1/quality**');
  await page.route('**/api/v1/heatmap**', (route) => route.abort());
  await page.goto('about:blank');
  await page.goto(`${url}/ui/#/heatmap`);
  await until(page, 'a view without an answer', () => /does not answer/.test(document.querySelector('main').textContent));
  await page.unroute('**/api/v1/heatmap**');
  await until(page, 'it comes by itself', () => document.querySelector('.heatgrid canvas'), undefined, 30000);
  // on paper: no navigation, no buttons, the data stay
  await tab.view('overview');
  await page.emulateMedia({ media: 'print' });
  assert.deepEqual(await page.evaluate(() => ['.nav', '.top', '.table-foot button'].map((q) => [...document.querySelectorAll(q)].some((e) => e.checkVisibility()))), [false, false, false]);
  assert.equal(await page.locator('.headline h1').isVisible(), true);
  assert.ok((await page.pdf({ format: 'A4' })).length > 10000);
  await tab.close();
}

/* Data that stop: words after some minutes, grey after more; old data that stop are not taken for a replay that goes on. */
async function quiet() {
  const tab = await open(browser, url);
  await tab.view('overview');
  await until(tab.page, 'no new records', () => [...document.querySelectorAll('.banner-warn')].some((b) => /No new records for 1[12] min/.test(b.textContent)) && document.querySelector('.is-stale'));
  await tab.axe('stale');
  await ask('tick');
  await until(tab.page, 'fresh again', () => !document.querySelector('.banner-warn') && !document.querySelector('.is-stale'), undefined, 40000);
  await tab.close();
}

async function replay() {
  const tab = await open(browser, url);
  await tab.page.clock.install();
  await tab.view('overview');
  await until(tab.page, 'now is then', () => /Replay/.test(document.querySelector('.banner-info')?.textContent) && !document.querySelector('.is-stale'));
  await tab.page.clock.fastForward(11 * 60000);
  await until(tab.page, 'the replay has stopped', () => /No new records/.test(document.querySelector('.banner-warn')?.textContent) && document.querySelector('.is-stale'));
  await tab.close();
}

/* ---- maintenance that repeats ---------------------------------------------------------------------------- */

/* Each occurrence within the span that is shown is a shade on the chart: what is filled with the colour of maintenance on the first
 * chart's canvas, since it was last cleared, is counted; and each stands in words. */
async function recurring() {
  const tab = await open(browser, url);
  await tab.page.addInitScript(() => {
    const { fillRect, clearRect } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.clearRect = function (...at) {
      this.canvas.filled = [];
      clearRect.apply(this, at);
    };
    CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
      if (x + width > 0 && x < this.canvas.width) (this.canvas.filled ??= []).push([this.fillStyle, Math.round(x)]);
      fillRect.call(this, x, y, width, height);
    };
  });
  for (const [span, windows] of given.spans) {
    await tab.page.goto('about:blank');
    await tab.view(`server/${given.server}?span=${span}`);
    await until(tab.page, `${windows} windows in words`, (n) => document.querySelectorAll('.planned-window').length === n, windows);
    await until(tab.page, `${windows} shades on the chart of ${span} h`, (n) => {
      const probe = document.createElement('canvas').getContext('2d');
      probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--shade-quiet').trim();
      const shades = new Set((document.querySelector('.chart canvas')?.filled ?? []).filter(([style]) => style === probe.fillStyle).map(([, x]) => x));
      return shades.size === n;
    }, windows, 30000);
  }
  await tab.axe('recurring maintenance');
  await tab.close();
}

/* ---- models --------------------------------------------------------------------------------------------- */

const roleOf = (page, model) => page.locator('main tr', { has: page.locator('code', { hasText: model }) }).locator('.chip').innerText();
const result = (page, what, wanted) => until(page, what, (w) => new RegExp(w).test(document.querySelector('.result')?.textContent), wanted, 60000);

/* With the key of an administrator: a shadow is run and stopped, another model promoted, and the first one is back. While one of it is
 * under way the page says so and nothing else can be pressed; afterwards it says what serves. */
async function models() {
  const [served, other] = given.models;
  const tab = await open(browser, url, { tolerated: /40[139]/ });
  const { page } = tab;
  const enter = async (key) => {
    await page.goto(`${url}/ui/#/models`);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Use key' }).click();
    await until(page, 'the models', () => document.querySelectorAll('main tbody tr').length >= 2);
  };
  const press = (name) => page.getByRole('button', { name, exact: true }).click();
  // each request is held for a moment, so that what is said meanwhile can be read
  await page.route(/models\/.*(promote|load|rollback)$/, async (route) => { await new Promise((go) => setTimeout(go, 700)); await route.continue(); });
  const meanwhile = async (said) => {
    await result(page, `while: ${said}`, said);
    assert.equal(await page.evaluate(() => [...document.querySelectorAll('main .card .button')].every((b) => b.disabled)), true, 'a button can be pressed meanwhile');
  };
  await enter(given.admin);
  assert.equal(await roleOf(page, served), 'served');
  await press('Roll back');
  await press('Yes');
  await result(page, 'nothing served before', 'That did not work: .+');
  await until(page, 'it is said as a failure', () => document.querySelector('.result-bad'));
  await press(`Run as shadow: ${other}`);
  await meanwhile(`Run as shadow: ${other}`);
  await result(page, 'a shadow runs', `${other} runs as a shadow:`);
  await until(page, 'its role', (m) => [...document.querySelectorAll('main tr')].some((r) => r.textContent.includes(m) && r.querySelector('.chip')?.textContent === 'shadow'), other);
  await ask('shadow');
  await tab.axe('shadow');
  await press(`Stop shadow: ${other}`);
  await result(page, 'it runs no longer', `${other} runs as a shadow no longer`);
  await ask('no-shadow');
  await press(`Promote: ${other}`);
  await page.getByText(`Promote: ${other}?`).waitFor();
  await press('No');
  await page.getByText(`Promote: ${other}?`).waitFor({ state: 'detached' });
  await ask('served-first');
  await press(`Promote: ${other}`);
  await press('Yes');
  await meanwhile(`Promote: ${other}`);
  await result(page, 'the other one serves', `${other} serves from the next forecast on`);
  await until(page, 'and the page shows it', (m) => document.querySelector('[aria-labelledby=h-serving] code').textContent === m && [...document.querySelectorAll('main tr')].some((r) => r.textContent.includes(m) && r.querySelector('.chip')?.textContent === 'served'), other);
  assert.equal(await roleOf(page, served), 'previous');
  await ask('served-other');
  await tab.axe('promoted');
  await press('Roll back');
  await press('Yes');
  await meanwhile('Roll back');
  await result(page, 'the first one is back', `${served} serves from the next forecast on`);
  await until(page, 'the page shows it too', (m) => document.querySelector('[aria-labelledby=h-serving] code').textContent === m, served);
  await ask('served-first');
  // a model that is damaged says why, and cannot be promoted
  assert.equal(await roleOf(page, given.broken), 'invalid');
  assert.equal(await page.getByRole('button', { name: `Promote: ${given.broken}` }).count(), 0);

  // with a key that may only read, each of the four is refused, in words, and nothing changes
  await page.evaluate(() => sessionStorage.clear());
  await page.goto('about:blank');
  await enter(given.reader);
  for (const button of [`Run as shadow: ${other}`, `Promote: ${other}`, 'Roll back']) {
    await press(button);
    if (!button.startsWith('Run')) await press('Yes');
    await until(page, `${button} is refused`, () => document.querySelector('.result-bad')?.textContent.includes('may not'), undefined, 30000);
    await page.evaluate(() => { location.hash = '#/docs'; });
    await until(page, 'away', () => document.querySelector('.view-docs'));
    await page.evaluate(() => { location.hash = '#/models'; });
    await until(page, 'and here again', () => document.querySelectorAll('main tbody tr').length >= 2 && !document.querySelector('.result-bad'));
  }
  await ask('served-first');
  await ask('no-shadow');
  await tab.close();
}

/* Who is told: a test is sent, what came of it is read in the log of posts, and an alert is silenced from its own row. */
async function told() {
  const tab = await open(browser, url);
  const { page } = tab;
  await tab.view('alerts');
  await page.getByRole('button', { name: 'Send a test: chat' }).click();
  await until(page, 'the test was sent', () => document.querySelector('.result')?.textContent === 'Done.');
  await ask('hook');
  await page.reload();
  await until(page, 'the post in the log', () => [...document.querySelectorAll('[aria-labelledby=h-receivers] tbody tr')].some((r) => r.textContent.includes('delivered')), undefined, 70000);
  await page.locator('main tbody button', { hasText: 'Silence' }).first().click();
  await until(page, 'the alert is silenced', () => [...document.querySelectorAll('main .chip')].some((c) => c.textContent === 'silenced') && document.querySelectorAll('[aria-labelledby=h-silences] tbody tr').length === 1);
  await tab.axe('receivers');
  await tab.close();
}

/* Figures of forecasts whose time has come: Quality by every choice, a server's own record, the record beside the overview's chances. */
async function judged() {
  const tab = await open(browser, url);
  const { page } = tab;
  for (const by of ['metric', 'horizon', 'profile', 'server', 'model']) {
    await tab.view(`quality?by=${by}`);
    await until(page, `scores by ${by}`, () => document.querySelectorAll('[aria-labelledby=h-scores] tbody tr').length >= 1);
    assert.match(await text(page, '[aria-labelledby=h-scores] tbody'), /\d+%/);
    await tab.axe(`quality by ${by}`);
  }
  await tab.view('quality');
  await until(page, 'points of reliability', () => document.querySelectorAll('.rel-point').length >= 1 && document.querySelectorAll('[aria-labelledby=h-reliability] tbody tr').length >= 1);
  await tab.view(`server/${given.server}`);
  await until(page, 'the server’s own record', () => /\d+%/.test(document.querySelector('[aria-labelledby=h-track]')?.textContent));
  await tab.view('overview');
  await until(page, 'the record beside the chances', () => [...document.querySelectorAll('.chance-note')].some((n) => /came/.test(n.textContent)));
  await tab.view(`server/${given.server}?said=2&overlay=day`);
  await until(page, 'what was said two hours ago is drawn and named', () => document.querySelector('.chart-key .swatch-said'));
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

/* The heap while updates come: `minutes` of them from a stream (the parent's), else a few rounds of single ticks. The page is walked
 * through its busiest views; every few rounds it comes to rest on a plain one for longer than it keeps replies (store.ts), and after a
 * collection of the garbage what is left is noted: what rests is what was kept, and not what happened to be on its way. Flat: the last
 * third's median is not above the first third's by more than a tenth of it and 0.3 MiB. */
async function heap() {
  const tab = await open(browser, url);
  const minutes = given.minutes ?? 0;
  await tab.view('overview');
  const walk = ['overview', 'heatmap', 'heatmap?metric=cpu_pct', 'top', `server/${given.server}?overlay=day`, 'alerts', 'capacity'];
  const pace = minutes ? 4000 : 500;
  const rounds = minutes ? 4 : 1; // between rests
  // the page walks by itself: a function that the test sends each time would stay in the page's heap, as a script of its own
  await tab.page.evaluate(([views, ms]) => {
    let at = 0;
    window.drawn = 0;
    window.resting = false;
    setInterval(() => {
      location.hash = window.resting ? '#/docs' : '#/' + views[at++ % views.length];
      window.drawn += performance.getEntriesByName('tftd:update').length;
      performance.clearMeasures();
      performance.clearResourceTimings();
    }, ms);
    window.addEventListener('test:rest', () => { window.resting = true; });
    window.addEventListener('test:walk', () => { window.resting = false; });
  }, [walk, pace]);
  const round = async () => {
    for (let i = 0; i < walk.length; i++) {
      if (!minutes) await ask('tick');
      await tab.page.waitForTimeout(pace);
    }
  };
  const rest = async () => {
    await tab.page.evaluate("dispatchEvent(new Event('test:rest'))");
    await tab.page.waitForTimeout(minutes ? 36000 : 32000);
    const size = (await tab.heap()) / 1048576;
    await tab.page.evaluate("dispatchEvent(new Event('test:walk'))");
    return size;
  };
  for (let i = 0; i < 4; i++) await round();
  const until = Date.now() + minutes * 60000;
  const heaps = [];
  do {
    for (let i = 0; i < rounds; i++) await round();
    heaps.push(await rest());
    if (minutes) say(`${new Date().toISOString().slice(11, 19)} JS heap at rest ${heaps.at(-1).toFixed(2)} MiB`);
  } while (minutes ? Date.now() < until : heaps.length < 3);
  const drawn = await tab.page.evaluate(() => window.drawn);
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const third = Math.ceil(heaps.length / 3);
  const [first, last] = [median(heaps.slice(0, third)), median(heaps.slice(-third))];
  say(`JS heap at rest over ${minutes || '<1'} min and ${drawn} updates: first third ${first.toFixed(2)} MiB, last third ${last.toFixed(2)} MiB, largest ${Math.max(...heaps).toFixed(2)} MiB`);
  assert.ok(last < 1.1 * first + 0.3, 'the heap grows');
  await tab.close();
}

/* What a visit leaves behind: each view is opened and left again, in batches; after each batch the garbage is collected and what is left is
 * counted. The page does the walking itself, with a function that is there once, and V8 compiles nothing (page.mjs, launch): what is hot
 * would otherwise become code in the heap, 1 to 6 kB a visit for some hundred visits. A reply that came or went between two counts moves the
 * heap by more than many visits would, so what counts is the median of the slopes between every two counts (Theil and Sen's). */
const WARM = 6;
const BATCH = 15;
const BATCHES = 4;
const LEFT_BYTES = 500; // of a visit

async function visits() {
  const tab = await open(browser, url);
  const { page } = tab;
  await tab.view('settings');
  await page.evaluate(() => {
    const settled = async (view) => {
      location.hash = `#/${view}`;
      for (let i = 0; i < 300; i++) {
        await new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
        const main = document.querySelector('main');
        if (i > 1 && main?.classList.contains(`view-${view.split(/[/?]/)[0]}`) && !main.querySelector('.skeleton')) return;
      }
      throw new Error(`#/${view} stays a skeleton`);
    };
    window.visit = async (view, n) => {
      for (let i = 0; i < n; i++) {
        await settled(view);
        await settled(view === 'settings' ? 'remediation' : 'settings');
        performance.clearMeasures();
        performance.clearResourceTimings();
      }
    };
  });
  const go = (view, n) => page.evaluate(([v, k]) => window.visit(v, k), [view, n]);
  const list = ['overview', 'heatmap', 'heatmap?metric=cpu_pct&mode=tiles', 'top', `server/${given.server}?overlay=day&span=24`, 'alerts', 'history', `history/${given.server}`, 'quality', 'models', 'capacity', 'remediation', 'docs', 'settings'];
  const slope = (values) => {
    const all = values.flatMap((b, j) => values.slice(0, j).map((a, i) => (b - a) / (j - i) / BATCH));
    return all.sort((a, b) => a - b)[all.length >> 1];
  };
  const left = async (view) => {
    await go(view, WARM);
    const counts = [await tab.census()];
    for (let i = 0; i < BATCHES; i++) {
      await go(view, BATCH);
      counts.push(await tab.census());
    }
    const of = (what) => slope(counts.map((c) => c[what]));
    const visit = { view, heap: of('heap'), nodes: of('nodes'), listeners: of('listeners') };
    say(`${view}: a visit leaves ${visit.heap.toFixed(0)} bytes, ${visit.nodes} nodes, ${visit.listeners} listeners (each batch: ${counts.slice(1).map((c, i) => ((c.heap - counts[i].heap) / BATCH).toFixed(0)).join(', ')} bytes)`);
    return visit.heap > LEFT_BYTES || visit.nodes > 0.5 || visit.listeners > 0.5; // one of each visit is 1; a document that comes and goes is far less
  };
  const grown = [];
  for (const view of list) if (await left(view)) grown.push(view);
  assert.deepEqual(grown, [], 'a visit leaves something behind');
  // and one that does is found: a hundred numbers, or a node
  await page.evaluate(() => { window.kept = []; addEventListener('hashchange', () => window.kept.push(Array.from({ length: 100 }, Math.random))); });
  assert.equal(await left('models'), true, 'what is kept of a visit would not be found');
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
  await until(tab.page, 'how many records are to go', () => /records to go/.test(document.querySelector('.warming')?.innerText ?? ''));
  await tab.axe('warm-up');
  await tab.close();
}

/* Updates at a thousand servers: each view stands open while records come, and what one update costs is measured there; what opening
 * a view costs is said, too. */
async function many() {
  const tab = await open(browser, url);
  const costs = [];
  for (const view of ['overview', 'top', 'top?alln=1000', 'alerts', 'capacity', 'remediation', 'models', 'heatmap?metric=cpu_pct&mode=table&heatn=1000', 'heatmap?metric=cpu_pct&mode=tiles', 'server', 'server/web0007?overlay=day', 'history/web0007']) {
    await tab.page.evaluate(() => performance.clearMeasures());
    await tab.view(view);
    await tab.page.waitForTimeout(500);
    const opening = await tab.cost();
    await tab.page.evaluate(() => performance.clearMeasures());
    await ask('tick');
    await tab.page.waitForTimeout(given.pause ?? 6500); // a large fleet is asked for every five seconds
    const cost = await tab.cost();
    costs.push({ view, ...cost });
    say(`${given.servers} servers, ${view}: an update costs ${cost.median.toFixed(1)} ms (median of ${cost.n}, largest ${cost.largest.toFixed(1)}), opening it at most ${opening.largest.toFixed(0)} ms`);
  }
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
  say(`${given.servers} servers: a heatmap update costs ${cost.median.toFixed(1)} ms (median of ${cost.n}, largest ${cost.largest.toFixed(1)})`);
  assert.ok(cost.n > 0 && cost.median < 50 * given.slow);
  assert.deepEqual(costs.filter((c) => c.n < 2 || c.largest >= 50 * given.slow).map((c) => c.view), [], 'an update costs more than 50 ms');
  await tab.close();
}

async function hostile() {
  const tab = await open(browser, url);
  await tab.view('overview');
  for (const server of given.names) {
    await tab.view(`server/${encodeURIComponent(server)}`);
    await until(tab.page, `the page of ${server}`, (name) => document.querySelector('.server-title h1 bdi')?.textContent === name, server);
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
  await { views, speed, controls, states, habits, quiet, replay, recurring, models, told, judged, life, heap, visits, demo, empty, many, hostile, reader }[name]();
} catch (reason) {
  console.error(`${name}: ${reason.stack}`);
  process.exitCode = 1;
}
await browser.close();
process.exit();
