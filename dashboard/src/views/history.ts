/* history.ts - what was: a server's steps over any span as charts and as a table, to read and to take along. */
import { download, query } from '../api';
import { h, type Child } from '../dom';
import { dateClock, number, words } from '../format';
import { setParams } from '../router';
import { joined, shadesOf } from '../series';
import { metricName, text } from '../text';
import type { Page, Step } from '../types';
import { chart, Memo } from '../components/chart';
import { table, type Column } from '../components/table';
import { button, empty, known, select, serverLink, stateLabel, tabs } from '../components/ui';
import type { Context, View } from './view';

const memo = new Memo();
const HOURS: Record<string, number> = { '-1h': 1, '-6h': 6, '-24h': 24, '-3d': 72, '-7d': 168, '-30d': 720 };

function steps(c: Context, name: string, span: string): Child {
  const hours = HOURS[span] ?? 24;
  const reply = c.use<Page<Step>>(`history ${name}`, '/api/v1/history/steps' + query({ server: name, from: span, limit: 10000 }), 'slow');
  const metrics = c.contract?.metrics ?? [];
  return known(reply, (data) => {
    if (!data.items.length) return empty(text.history.none);
    const columns: Column<Step>[] = [
      { key: 'at', head: text.words.time, cell: (s) => dateClock(s.start), value: (s) => s.start },
      ...metrics.map((m): Column<Step> => ({ key: m.name, head: `${metricName(m.name)}, ${m.unit}`, number: true, cell: (s) => number(s.metrics[m.name]?.mean), value: (s) => s.metrics[m.name]?.mean })),
      { key: 'state', head: text.words.state, cell: (s) => stateLabel(s.state), value: (s) => s.state },
    ];
    return [
      h('div', { class: 'charts', key: 'charts' }, metrics.map((m) => h('figure', { class: 'figure', key: m.name },
        h('figcaption', null, h('h2', null, metricName(m.name), h('span', { class: 'unit' }, ` ${m.unit}`))),
        chart('h-' + m.name, memo.of(name + m.name, [data, hours, c.dark, c.contract], () => joined({
          server: name, metric: m.name, contract: c.contract, steps: data.items, forecast: undefined, hours, compareDays: 0, said: undefined, alerts: [], thresholds: [],
          shades: shadesOf(data.items, c.contract?.step_seconds ?? 300), height: 150, now: c.now, dark: c.dark,
        })))))),
      h('section', { class: 'card', key: 'table' }, table<Step>({ id: 'steps', caption: text.history.title, rows: [...data.items].reverse(), rowKey: (s) => s.start, params: c.params, first: 24, columns })),
    ];
  }, 12);
}

/* Lists whose fields the daemon decides: shown as they come. */
function listed(c: Context, what: string, span: string, server: string): Child {
  const named = what === 'records' ? server : undefined;
  const reply = c.use<Page<Record<string, unknown>>>(`history ${what}`, `/api/v1/history/${what}` + query({ from: span, server: named, limit: 1000 }), 'slow');
  return known(reply, (data) => {
    const first = data.items[0];
    if (!first) return empty(text.history.none);
    const plain = (v: unknown): string | number | null => (typeof v === 'number' || v === null || v === undefined ? (v ?? null) : typeof v === 'string' ? v : JSON.stringify(v));
    const show = (v: unknown): Child => (typeof v === 'string' && /^\d{4}-\d\d-\d\dT/.test(v) ? dateClock(v) : typeof v === 'number' ? number(v) : typeof v === 'boolean' ? String(v) : (plain(v) ?? text.none));
    return h('section', { class: 'card', key: 'list' }, table<Record<string, unknown>>({
      id: 'list', caption: text.history.whats[what] ?? what, rows: data.items, rowKey: (r) => JSON.stringify(r).slice(0, 200), params: c.params, first: 100,
      columns: Object.keys(first).map((key): Column<Record<string, unknown>> => ({
        key, head: words(key), number: typeof first[key] === 'number', cell: (r) => (key === 'server_name' || key === 'server' ? serverLink(String(r[key])) : show(r[key])), value: (r) => plain(r[key]),
      })),
    }));
  }, 12);
}

async function save(c: Context, what: string, span: string, server: string): Promise<void> {
  try {
    await download(`/api/v1/history/${what}` + query({ from: span, server: what === 'steps' || what === 'records' ? server : undefined, format: 'csv' }), `tftd-${what}.csv`);
    delete c.local['fault'];
  } catch (reason) {
    c.local['fault'] = text.alerts.failed(reason instanceof Error ? reason.message : String(reason));
  }
  c.render();
}

export const historyView: View = {
  name: 'history',
  key: 'h',
  render(c) {
    const t = text.history;
    const servers = c.servers().data?.items ?? [];
    const what = c.params['what'] && c.params['what'] in t.whats ? c.params['what'] : 'steps';
    const span = c.params['span'] && c.params['span'] in HOURS ? c.params['span'] : '-24h';
    const name = c.about || servers[0]?.server_name || '';
    const by_server = what === 'steps' || what === 'records';
    const sorted = memo.of('names', [servers], () => servers.map((s) => s.server_name).sort((a, b) => a.localeCompare(b, 'en', { numeric: true })));
    return [
      h('div', { class: 'view-head', key: 'head' }, h('h1', null, t.title), h('p', { class: 'result result-bad', role: 'status' }, (c.local['fault'] as string) ?? '')),
      h('div', { class: 'controls', key: 'controls' },
        tabs(t.what, what, t.whats, (v) => setParams({ what: v === 'steps' ? '' : v })),
        by_server && name ? select(text.words.server, name, sorted.slice(0, 2000).map((n): [string, string] => [n, n]), (v) => { location.hash = '#/history/' + encodeURIComponent(v) + (location.hash.includes('?') ? '?' + location.hash.split('?')[1] : ''); }) : null,
        select(t.span, span, t.spans, (v) => setParams({ span: v })),
        h('span', { class: 'grow' }),
        what === 'steps' ? null : button(t.export, () => void save(c, what, span, name))),
      by_server && !name ? empty(t.none) : what === 'steps' ? steps(c, name, span) : listed(c, what, span, name),
    ];
  },
};
