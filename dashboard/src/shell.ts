/* shell.ts - what stands around every view: where one can go, how the fleet is, how fresh all of it is. */
import { send, setKey } from './api';
import { h, type Child, type VNode } from './dom';
import { clock, clockSeconds, count, span, zoneName, full } from './format';
import { dialogs, openDialog } from './dialogs';
import type { Live } from './live';
import { changePrefs, paces, prefs, type Theme } from './prefs';
import { href, type Place } from './router';
import type { Known, Store } from './store';
import { text } from './text';
import { titleOf } from './title';
import type { Demo, Page, Server, Status } from './types';
import { answered, skeleton } from './components/ui';
import { GROUPS } from './views/all';
import type { Context, View } from './views/view';

const SILENT_S = 150; // said in words
const STALE_S = 600; // two steps: what is shown is greyed

export interface ShellProps {
  view: View;
  place: Place;
  context: Context;
  status: Known<Status>;
  lag: number; // seconds since the newest record; NaN without one
  quiet: number; // seconds without anything new, also of replayed data
  replay: boolean;
  denied: boolean;
  store: Store;
  live: Live;
  body: Child;
  schedule: () => void;
}

/* ---- navigation ---------------------------------------------------------------------------------------- */

function navigation(p: ShellProps): VNode {
  const current = p.view.name === 'server' ? 'top' : p.view.name;
  return h('nav', { class: 'nav', id: 'nav', 'aria-label': text.nav.label },
    GROUPS.map(([group, views]) =>
      h('div', { key: group, class: 'nav-group' },
        h('p', { class: 'nav-head', id: `nav-${group}` }, text.nav[group as keyof typeof text.nav]),
        h('ul', { 'aria-labelledby': `nav-${group}` },
          views.map((v) =>
            h('li', { key: v.name },
              h('a', { href: href(v.name), 'aria-current': v.name === current ? 'page' : undefined, on: { click: () => setMenu(p, false) } },
                text.nav[v.name as keyof typeof text.nav])))))));
}

let menuOpen = false;
function setMenu(p: ShellProps, open: boolean): void {
  menuOpen = open;
  p.schedule();
}

/* ---- top bar ------------------------------------------------------------------------------------------- */

function liveLabel(p: ShellProps): VNode {
  const { live, store } = p;
  const [kind, label] = live.paused ? ['paused', text.bar.paused]
    : store.failing ? ['lost', text.bar.lost]
    : prefs.pace > 0 ? ['poll', text.bar.polling(span(prefs.pace))]
    : live.state === 'open' ? ['live', text.bar.live]
    : live.state === 'connecting' ? ['poll', text.bar.connecting]
    : ['poll', text.bar.polling('5 s')];
  const age = p.status.data?.last_forecast_at;
  return h('span', { class: `pulse pulse-${kind}`, title: age ? full(age) : undefined }, h('span', { class: 'pulse-dot', 'aria-hidden': 'true' }), label);
}

const THEMES: Record<Theme, string> = { auto: text.bar.theme_auto, light: text.bar.theme_light, dark: text.bar.theme_dark };

function topBar(p: ShellProps): VNode {
  const choose = <T>(make: (value: string) => T) => (e: Event) => {
    make((e.target as HTMLSelectElement).value);
    p.schedule();
  };
  const title = p.denied ? text.product : titleOf(p.context);
  return h('header', { class: 'top' },
    h('button', { type: 'button', class: 'menu-button', 'aria-expanded': String(menuOpen), 'aria-controls': 'nav', on: { click: () => setMenu(p, !menuOpen) } }, text.menu),
    h('a', { class: 'brand', 'aria-label': title, href: href('overview') }, logo(), h('span', null, title)),
    h('button', { type: 'button', class: 'search-button', 'aria-label': text.bar.search, on: { click: () => openDialog('search') } }, h('span', { class: 'search-text' }, text.bar.search), h('kbd', null, '/')),
    h('span', { class: 'grow' }),
    liveLabel(p),
    h('label', { class: 'top-field' }, h('span', { class: 'sr' }, text.bar.pace),
      h('select', { prop: { value: String(prefs.pace) }, on: { change: choose((v) => changePrefs({ pace: Number(v) })) } },
        paces.map((s) => h('option', { key: String(s), value: String(s), selected: s === prefs.pace }, s === 0 ? text.bar.pace_live : span(s))))),
    h('button', { type: 'button', class: 'top-button', 'aria-pressed': String(p.live.paused), title: p.live.paused ? text.bar.resume : text.bar.pause, 'aria-label': text.bar.pause, on: { click: () => p.live.setPaused(!p.live.paused) } },
      h('span', { 'aria-hidden': 'true' }, p.live.paused ? '▶' : '❚❚')),
    h('button', { type: 'button', class: 'top-button', title: text.bar.zone(zoneName()), 'aria-label': text.bar.zone(zoneName()), on: { click: () => { changePrefs({ zone: prefs.zone === 'utc' ? 'local' : 'utc' }); p.schedule(); } } }, zoneName()),
    h('label', { class: 'top-field' }, h('span', { class: 'sr' }, text.bar.theme),
      h('select', { prop: { value: prefs.theme }, on: { change: choose((v) => changePrefs({ theme: v as Theme })) } },
        Object.entries(THEMES).map(([v, name]) => h('option', { key: v, value: v, selected: v === prefs.theme }, name)))));
}

const logo = (): VNode =>
  h('svg', { viewBox: '0 0 32 32', class: 'logo', 'aria-hidden': 'true' },
    h('path', { d: 'M3 21l6-4 4 3 5-8 11-5v9l-11 4z', class: 'logo-fan' }),
    h('path', { d: 'M3 21l6-4 4 3 5-5 11-3', class: 'logo-line' }));

/* ---- banners ------------------------------------------------------------------------------------------- */

let warmingShown = false;

/* Who is warming up, and how far: asked for and drawn while somebody looks. */
function warming(p: ShellProps, required: number): Child {
  const list = p.context.use<Page<Server>>('warming', '/api/v1/servers?limit=1000&sort=name', 'live').data?.items.filter((s) => !s.ready) ?? [];
  return h('ul', { class: 'warming' }, list.slice(0, 200).map((s) =>
    h('li', { key: s.server_name }, h('bdi', null, s.server_name),
      h('progress', { max: String(required), value: String(Math.min(s.records, required)), 'aria-label': s.server_name }),
      h('span', { class: 'muted' }, text.banner.warmup_left(Math.max(0, required - s.records))))));
}

function warmupBanner(p: ShellProps, status: Status): Child {
  const { warmup } = status;
  if (warmup.is_warmed_up || status.servers_tracked === 0) return null;
  const toggle = (e: Event): void => {
    warmingShown = (e.target as HTMLDetailsElement).open;
    p.schedule();
  };
  return h('div', { key: 'warmup', class: 'banner banner-info', role: 'status' },
    h('p', null, text.banner.warmup(status.servers_ready, status.servers_active, warmup.progress_percent)),
    h('progress', { max: '100', value: String(warmup.progress_percent), 'aria-label': text.banner.warmup_show }),
    h('details', { open: warmingShown, on: { toggle } }, h('summary', null, text.banner.warmup_show), warmingShown ? warming(p, warmup.required_size) : null));
}

function keyForm(p: ShellProps): VNode {
  const submit = (e: Event): void => {
    e.preventDefault();
    setKey(String(new FormData(e.target as HTMLFormElement).get('key') ?? '').trim());
    dispatchEvent(new Event('tftd:key'));
    p.schedule();
  };
  return h('form', { class: 'card key-form', on: { submit } },
    h('h1', null, text.banner.denied),
    h('label', { class: 'field' }, h('span', { class: 'field-label' }, text.banner.key), h('input', { name: 'key', type: 'password', autocomplete: 'off', required: true })),
    h('button', { class: 'button button-main', type: 'submit' }, text.banner.use_key));
}

function banners(p: ShellProps): Child[] {
  const out: Child[] = [];
  const status = p.status.data;
  const note = (key: string, kind: string, ...what: Child[]): VNode => h('div', { key, class: `banner banner-${kind}`, role: 'status' }, h('p', null, ...what));
  if (p.store.failing) out.push(note('lost', 'bad', text.banner.lost(clockSeconds(p.store.lastOk))));
  if (!status) return out;
  if (status.draining) out.push(note('draining', 'warn', text.banner.draining));
  if (status.servers_tracked === 0 && p.view.name !== 'docs' && p.view.name !== 'settings')
    out.push(h('div', { key: 'empty', class: 'banner banner-info', role: 'status' }, h('p', null, h('strong', null, text.banner.empty), ' ', text.banner.empty_help), h('pre', null, 'tftd serve --demo')));
  else {
    if (p.quiet > SILENT_S) out.push(note('silent', 'warn', text.banner.silent(span(p.lag))));
    if (p.replay) out.push(note('replay', 'info', text.banner.replay(full(p.context.now))));
  }
  out.push(warmupBanner(p, status));
  return out;
}

function demoBar(p: ShellProps): Child {
  const demo = p.context.use<Demo>('demo', '/api/v1/demo', 'slow').data;
  if (!demo?.available) return null;
  const choose = async (scenario: string): Promise<void> => {
    p.context.local['demo'] = scenario;
    p.schedule();
    try {
      await send('POST', '/api/v1/demo', { scenario });
    } catch (reason) {
      p.context.local['demoFault'] = reason instanceof Error ? reason.message : String(reason);
    }
    delete p.context.local['demo'];
    p.context.changed();
  };
  const current = (p.context.local['demo'] as string | undefined) ?? demo.scenario ?? '';
  const fault = p.context.local['demoFault'] as string | undefined;
  return h('div', { key: 'demo', class: 'demo', role: 'group', 'aria-label': text.demo.label },
    h('span', { class: 'muted' }, text.demo.label),
    h('span', { class: 'tabs' },
      Object.entries(text.demo.scenarios).map(([value, name]) =>
        h('button', { key: value, type: 'button', class: 'tab', 'aria-pressed': String(value === current), on: { click: () => void choose(value) } }, name))),
    h('span', { class: 'muted' }, fault ?? text.demo.affected(demo.total_affected)));
}

/* ---- all of it ----------------------------------------------------------------------------------------- */

export function shell(p: ShellProps): VNode {
  // what stands above the view (banners, the demo's switch) is known before the view is drawn: it would push it down
  const settled = p.status.fault !== undefined || answered(p.status, p.context.use<Demo>('demo', '/api/v1/demo', 'slow'));
  const stale = p.store.failing || p.quiet > STALE_S;
  return h('div', { class: `frame ${menuOpen ? 'menu-open' : ''} ${stale ? 'is-stale' : ''}` },
    h('a', { class: 'skip', href: '#content', on: { click: (e: Event) => { e.preventDefault(); document.getElementById('content')?.focus(); } } }, text.skip),
    topBar(p),
    navigation(p),
    h('main', { id: 'content', tabindex: '-1', class: `view view-${p.view.name}` },
      demoBar(p),
      ...banners(p),
      p.denied ? keyForm(p) : !settled ? h('div', { key: 'waiting', class: 'card' }, skeleton(14)) : h('div', { key: `view-${p.view.name}`, class: 'view-body' }, p.body)),
    h('footer', { class: 'foot' },
      h('span', null, `tftd ${p.status.data?.version ?? ''}`),
      p.status.data ? h('span', null, `${text.servers(p.status.data.servers_tracked)}, ${count(p.status.data.records_total)} ${text.words.records.toLowerCase()}`) : null,
      h('span', null, p.status.data?.last_forecast_at ? text.bar.updated(clock(p.status.data.last_forecast_at)) : ''),
      h('span', { class: 'grow' }),
      h('button', { type: 'button', class: 'link', on: { click: () => openDialog('keys') } }, text.keys.title, ' ', h('kbd', null, '?'))),
    dialogs(p.context, p.schedule));
}
