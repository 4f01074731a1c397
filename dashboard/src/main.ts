/* main.ts - starts the page: address → view → what it wants to know → what is shown.
 *
 * There is one function that draws everything, render(), called at most once per frame after something changed: the address,
 * a reply, a setting, the clock. What it costs is measured (performance measures named "tftd:update").
 */
import { getKey } from './api';
import { patch, type Child } from './dom';
import { installKeys } from './keys';
import { Live } from './live';
import { Memo } from './memo';
import { applyPrefs, isDark, onSystemTheme } from './prefs';
import { here } from './router';
import { shell } from './shell';
import { Store, UNASKED, type Known, type Pace } from './store';
import { text } from './text';
import { titleOf } from './title';
import type { Contract, Page, Server, Status } from './types';
import { findView } from './views/all';
import type { Context } from './views/view';

const host = document.getElementById('app')!;
host.replaceChildren();
let drawn: ReturnType<typeof patch> = [];
let scheduled = false;
let shownView = '';
let local: Record<string, unknown> = {};

const store = new Store(schedule);
const live = new Live(store, schedule);
const memo = new Memo();

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  // a hidden page gets no frames, and needs none
  requestAnimationFrame(() => {
    scheduled = false;
    render();
  });
}

/* The daemon's clock: of the wall (by its own stamps, so a reader's wrong clock does no harm), or of replayed data. */
function daemonNow(status: Status | undefined, statusAt: number, newest: Server | undefined): { now: number; lag: number } {
  const wall = status ? Date.parse(status.started_at) + status.uptime_s * 1000 + (Date.now() - statusAt) : Date.now();
  const seen = newest?.last_seen ? Date.parse(newest.last_seen) : NaN;
  return { now: wall, lag: Number.isFinite(seen) ? (wall - seen) / 1000 : NaN };
}

const REPLAY_S = 30 * 60;

/* How long nothing new has come: by the newest record's age, or, where old data are replayed, since its stamp last moved. */
let newestStamp = '';
let movedAt = Date.now();
function quietFor(stamp: string, lag: number, replay: boolean): number {
  if (stamp !== newestStamp) {
    newestStamp = stamp;
    movedAt = Date.now();
  }
  return replay ? (Date.now() - movedAt) / 1000 : lag;
}

function render(): void {
  const began = performance.now();
  const place = here();
  const view = findView(place.view);
  const page = `${view.name}/${place.about}`;
  const moved = page !== shownView;
  if (moved) {
    shownView = page;
    local = {};
  }
  store.beginRender();
  const status = store.use<Status>('status', '/status', 'live');
  if (status.data) store.forecasting = status.data.last_forecast_at !== null && status.data.records_total >= 100;
  // Without a key one request finds out whether a key is wanted: ten refusals a minute would lock this address out, right key or not.
  const contract = store.use<Contract>('contract', '/api/v1/contract', 'once');
  const admitted = contract.data !== undefined || getKey() !== '';
  const use = <T>(slot: string, path: string, pace: Pace): Known<T> => (admitted ? store.use<T>(slot, path, pace) : UNASKED);
  const newest = use<Page<Server>>('newest', '/api/v1/servers?sort=last_seen&limit=1', 'live');
  const { now: wall, lag } = daemonNow(status.data, status.at, newest.data?.items[0]);
  const replay = lag > REPLAY_S;
  const quiet = quietFor(newest.data?.items[0]?.last_seen ?? '', lag, replay);
  const tracked = status.data?.servers_tracked ?? 0;
  live.gap = tracked > 200 ? 5000 : tracked > 50 ? 2000 : 1000;
  const context: Context = {
    about: place.about,
    params: place.params,
    now: replay ? wall - lag * 1000 : wall,
    dark: isDark(),
    contract: contract.data,
    use,
    changed: () => store.refresh('all'),
    memo,
    local,
    render: schedule,
    servers: () => use('servers', '/api/v1/servers?limit=10000&sort=risk', 'live') as Known<{ items: Server[]; total: number }>,
  };
  const denied = status.fault?.kind === 'denied' || contract.fault?.kind === 'denied';
  let body: Child = null;
  try {
    if (!denied) body = view.render(context);
  } catch (reason) {
    console.error(reason); // a defect of the page: the rest of it goes on
    body = text.defect(String(reason));
  }
  drawn = patch(host, drawn, [shell({ view, place, context, status, lag, quiet, replay, denied, store, live, body, schedule })]);
  const title = denied ? text.product : titleOf(context);
  store.endRender();
  memo.forget();
  document.title = `${place.about || text.nav[view.name as keyof typeof text.nav]} – ${title}`;
  if (moved) {
    scrollTo(0, 0);
    if (performance.now() > 3000) document.getElementById('content')?.focus({ preventScroll: true });
  }
  performance.measure('tftd:update', { start: began });
  if (performance.getEntriesByName('tftd:update').length > 200) performance.clearMeasures('tftd:update');
}

applyPrefs();
onSystemTheme(() => {
  applyPrefs();
  schedule();
});
addEventListener('hashchange', schedule);
addEventListener('beforeprint', render); // all of it as it is now
document.addEventListener('scrollend', schedule, { capture: true, passive: true }); // what has come into sight is brought up to date
installKeys({ live, schedule });
addEventListener('tftd:key', () => {
  live.reopen();
  store.refresh('all');
});
render();
