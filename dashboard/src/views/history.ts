/* history.ts - what was, over any span: a server's steps, the fleet in numbers, incidents, alerts, records; to read and to take
 * along. The span is one of the usual ones, or "custom" with from and to (UTC) in the address. */
import { download, query } from '../api';
import { h, type Child, type VNode } from '../dom';
import { count, dateClock, fromLocalInput, inOrder, number, percent, span as spanWords, toLocalInput, words } from '../format';
import { subjectOf, valueOf, type PastAlert, type PastIncident } from '../happened';
import { href, here, setParams } from '../router';
import { joined, shadesOf } from '../series';
import { metricName, text } from '../text';
import { HORIZONS, type Page, type Probabilities, type Step } from '../types';
import { chart, chartKey, type ChartData, type Style } from '../components/chart';
import { table, type Column } from '../components/table';
import { button, empty, known, select, serverLink, severityLabel, stateLabel, tabs } from '../components/ui';
import type { Context, View } from './view';

const HOURS: Record<string, number> = { '-1h': 1, '-6h': 6, '-24h': 24, '-3d': 72, '-7d': 168, '-30d': 720 };

/* ---- the span ------------------------------------------------------------------------------------------ */

interface Span {
  from: string; // as the API takes it
  to: string | undefined;
  end: number; // ms
  hours: number;
}

function spanOf(c: Context): Span {
  const chosen = c.params['span'] ?? '-24h';
  if (chosen !== 'custom') return { from: chosen in HOURS ? chosen : '-24h', to: undefined, end: c.now, hours: HOURS[chosen] ?? 24 };
  const from = Date.parse(c.params['from'] ?? '');
  const to = Date.parse(c.params['to'] ?? '');
  const end = Number.isFinite(to) ? to : Math.ceil(c.now / 300e3) * 300e3; // whole steps: the request stays the same meanwhile
  const begin = Number.isFinite(from) && from < end ? from : end - 86400e3;
  return { from: new Date(begin).toISOString(), to: Number.isFinite(to) ? new Date(to).toISOString() : undefined, end, hours: (end - begin) / 3600e3 };
}

/* From and to, in the reader's time zone; what is wrong is said, and the address stays as it was. */
function customSpan(c: Context, s: Span): VNode {
  const t = text.history;
  const submit = (e: Event): void => {
    e.preventDefault();
    const form = new FormData(e.target as HTMLFormElement);
    const from = fromLocalInput(String(form.get('from') ?? ''));
    const to = fromLocalInput(String(form.get('to') ?? ''));
    if (from === null || to === null || from >= to) {
      c.local['fault'] = t.bad_span;
      c.render();
      return;
    }
    delete c.local['fault'];
    setParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
    c.render();
  };
  const field = (name: 'from' | 'to', label: string, at: number): VNode => h('label', { class: 'field', key: name }, h('span', { class: 'field-label' }, label), h('input', { type: 'datetime-local', name, required: true, value: toLocalInput(at) }));
  return h('form', { class: 'form', key: 'custom', on: { submit } }, field('from', t.from, s.end - s.hours * 3600e3), field('to', t.to, s.end), h('button', { class: 'button', type: 'submit' }, t.apply));
}

/* ---- a server's steps ---------------------------------------------------------------------------------- */

function steps(c: Context, name: string, s: Span): Child {
  const reply = c.use<Page<Step>>(`history ${name}`, '/api/v1/history/steps' + query({ server: name, from: s.from, to: s.to, limit: 10000 }), 'slow');
  const metrics = c.contract?.metrics ?? [];
  return known(reply, (data) => {
    if (!data.items.length) return empty(text.history.none);
    const columns: Column<Step>[] = [
      { key: 'at', head: text.words.time, cell: (x) => dateClock(x.start), value: (x) => x.start },
      ...metrics.map((m): Column<Step> => ({ key: m.name, head: `${metricName(m.name)}, ${m.unit}`, number: true, cell: (x) => number(x.metrics[m.name]?.mean), value: (x) => x.metrics[m.name]?.mean })),
      { key: 'state', head: text.words.state, cell: (x) => stateLabel(x.state), value: (x) => x.state },
    ];
    return [
      h('div', { class: 'charts', key: 'charts' }, metrics.map((m) => h('figure', { class: 'figure', key: m.name },
        h('figcaption', null, h('h2', null, metricName(m.name), h('span', { class: 'unit' }, ` ${m.unit}`))),
        chart('h-' + m.name, c.memo.of(name + m.name, [data, s.hours, c.dark, c.contract], () => joined({
          server: name, metric: m.name, contract: c.contract, steps: data.items, forecast: undefined, hours: s.hours, compareDays: 0, said: undefined, alerts: [], thresholds: [],
          shades: shadesOf(data.items, c.contract?.step_seconds ?? 300), height: 150, now: s.end, dark: c.dark,
        })))))),
      h('section', { class: 'card', key: 'table' }, table<Step>({ id: 'steps', caption: text.history.title, rows: [...data.items].reverse(), rowKey: (x) => x.start, params: c.params, first: 24, columns })),
    ];
  }, 12);
}

/* ---- the fleet in numbers ------------------------------------------------------------------------------ */

interface Environment {
  start: string;
  servers: number;
  stale: number;
  in_incident: number;
  high_risk_servers: number;
  alerts: { warning: number; critical: number };
  any: Probabilities;
}

function line(c: Context, id: string, rows: Environment[], label: string, unit: string, parts: [string, Style, (e: Environment) => number][], max?: number): ChartData {
  return c.memo.of(id, [rows, c.dark], () => ({
    label, unit, times: rows.map((r) => Date.parse(r.start) / 1000), now: Date.parse(rows.at(-1)!.start) / 1000, bands: [], thresholds: [], shades: [], height: 150, min: 0, sync: 'fleet', dark: c.dark,
    ...(max ? { max } : {}), lines: parts.map(([name, style, of]) => ({ label: name, style, values: rows.map(of) })),
  }));
}

function fleet(c: Context, rows: Environment[]): Child {
  const t = text.history;
  const figure = (key: string, title: string, data: ChartData, keys: [string, string][]): VNode =>
    h('figure', { class: 'figure', key }, h('figcaption', null, h('h2', null, title)), keys.length ? chartKey(keys) : null, chart(key, data));
  const column = (key: string, head: string, of: (e: Environment) => number, as: (v: number) => string = count, narrow = false): Column<Environment> => ({ key, head, number: true, narrow, cell: (e) => as(of(e)), value: of });
  return [
    h('div', { class: 'charts', key: 'charts' },
      figure('counts', t.counts, line(c, 'counts', rows, t.counts, '', [[t.high_risk, 'median', (e) => e.high_risk_servers], [t.in_incident, 'curve', (e) => e.in_incident], [t.warnings, 'compare', (e) => e.alerts.warning]]),
        [['curve', t.in_incident], ['median', t.high_risk], ['compare', t.warnings]]),
      figure('any', t.any_8h, line(c, 'any', rows, t.any_8h, '%', [[t.any_8h, 'median', (e) => 100 * e.any['8h']]], 100), [])),
    h('section', { class: 'card', key: 'table' }, table<Environment>({
      id: 'fleet', caption: text.history.whats['environment'] ?? '', rows: [...rows].reverse(), rowKey: (e) => e.start, params: c.params, first: 48,
      columns: [
        { key: 'at', head: text.words.time, cell: (e) => dateClock(e.start), value: (e) => e.start },
        column('servers', t.counts, (e) => e.servers), column('incident', t.in_incident, (e) => e.in_incident), column('risk', t.high_risk, (e) => e.high_risk_servers),
        column('warnings', t.warnings, (e) => e.alerts.warning, count, true), column('criticals', t.criticals, (e) => e.alerts.critical, count, true), column('stale', t.stale, (e) => e.stale, count, true),
        ...HORIZONS.map((x) => column(x, text.overview.within[x] ?? x, (e) => e.any[x], percent, x !== '8h')),
      ],
    })),
  ];
}

/* ---- lists --------------------------------------------------------------------------------------------- */

const lasted = (from: string, to: string | null): string => (to ? spanWords((Date.parse(to) - Date.parse(from)) / 1000) : text.history.lasts);
const card = (body: Child): VNode => h('section', { class: 'card', key: 'list' }, body);

function incidentTable(c: Context, rows: PastIncident[]): VNode {
  const t = text.history;
  return card(table<PastIncident>({
    id: 'incidents', caption: t.whats['incidents'] ?? '', rows: [...rows].reverse(), rowKey: (i) => i.server_name + i.start, params: c.params, first: 100,
    columns: [
      { key: 'start', head: text.alerts.starts, cell: (i) => dateClock(i.start), value: (i) => i.start },
      { key: 'server', head: text.words.server, cell: (i) => serverLink(i.server_name), value: (i) => i.server_name },
      { key: 'state', head: text.words.state, cell: (i) => stateLabel(i.state), value: (i) => i.state },
      { key: 'lasted', head: t.duration, number: true, cell: (i) => lasted(i.start, i.end), value: (i) => (i.end ? (Date.parse(i.end) - Date.parse(i.start)) / 1000 : null) },
      { key: 'warned', head: t.warned, number: true, cell: (i) => (i.lead_time_s === null ? text.none : spanWords(i.lead_time_s)), value: (i) => i.lead_time_s },
      { key: 'planned', head: t.planned, narrow: true, cell: (i) => (i.planned ? text.models.yes : text.models.no), value: (i) => String(i.planned) },
    ],
  }));
}

function alertTable(c: Context, rows: PastAlert[]): VNode {
  return card(table<PastAlert>({
    id: 'alerts', caption: text.history.whats['alerts'] ?? '', rows, rowKey: (a) => a.id, params: c.params, first: 100,
    columns: [
      { key: 'start', head: text.alerts.starts, cell: (a) => dateClock(a.starts_at), value: (a) => a.starts_at },
      { key: 'server', head: text.words.server, cell: (a) => (a.server ? serverLink(a.server) : text.fleet), value: (a) => a.server },
      { key: 'severity', head: text.words.severity, cell: (a) => severityLabel(a.severity), value: (a) => a.severity },
      { key: 'metric', head: text.words.metric, cell: subjectOf, value: (a) => a.metric_name ?? a.kind },
      { key: 'value', head: text.words.expected, number: true, cell: (a) => valueOf(a, a.predicted_value), value: (a) => a.predicted_value },
      { key: 'status', head: text.alerts.status, narrow: true, cell: (a) => words(a.status), value: (a) => a.status },
      { key: 'lasted', head: text.history.duration, number: true, cell: (a) => lasted(a.starts_at, a.ends_at), value: (a) => (a.ends_at ? (Date.parse(a.ends_at) - Date.parse(a.starts_at)) / 1000 : null) },
    ],
  }));
}

/* Records are shown as they came: their fields are the contract's. */
function recordTable(c: Context, rows: Record<string, unknown>[]): VNode {
  const plain = (v: unknown): string | number | null => (typeof v === 'number' || v === null || v === undefined ? (v ?? null) : typeof v === 'string' ? v : JSON.stringify(v));
  const show = (v: unknown): Child => (typeof v === 'string' && /^\d{4}-\d\d-\d\dT/.test(v) ? dateClock(v) : typeof v === 'number' ? number(v) : (plain(v) ?? text.none));
  return card(table<Record<string, unknown>>({
    id: 'records', caption: text.history.whats['records'] ?? '', rows, rowKey: (r) => JSON.stringify(r).slice(0, 200), params: c.params, first: 100,
    columns: Object.keys(rows[0]!).map((key): Column<Record<string, unknown>> => ({ key, head: words(key), number: typeof rows[0]![key] === 'number', cell: (r) => show(r[key]), value: (r) => plain(r[key]) })),
  }));
}

function listed(c: Context, what: string, s: Span, server: string): Child {
  const reply = c.use<Page<unknown>>(`history ${what}`, `/api/v1/history/${what}` + query({ from: s.from, to: s.to, server: what === 'records' ? server : undefined, limit: what === 'environment' ? 10000 : 1000 }), 'slow');
  return known(reply, (data) => {
    if (!data.items.length) return empty(text.history.none);
    switch (what) {
      case 'environment': return fleet(c, data.items as Environment[]);
      case 'incidents': return incidentTable(c, data.items as PastIncident[]);
      case 'alerts': return alertTable(c, data.items as PastAlert[]);
      default: return recordTable(c, data.items as Record<string, unknown>[]);
    }
  }, 12);
}

async function save(c: Context, what: string, s: Span, server: string): Promise<void> {
  try {
    await download(`/api/v1/history/${what}` + query({ from: s.from, to: s.to, server: what === 'records' ? server : undefined, format: 'csv' }), `tftd-${what}.csv`);
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
    const span = spanOf(c);
    const name = c.about || servers[0]?.server_name || '';
    const by_server = what === 'steps' || what === 'records';
    const sorted = c.memo.of('names', [servers], () => servers.map((s) => s.server_name).sort(inOrder));
    return [
      h('div', { class: 'view-head', key: 'head' }, h('h1', null, t.title), h('p', { class: 'result result-bad', role: 'status' }, (c.local['fault'] as string) ?? '')),
      h('div', { class: 'controls', key: 'controls' },
        tabs(t.what, what, t.whats, (v) => setParams({ what: v === 'steps' ? '' : v })),
        by_server && name ? select(text.words.server, name, sorted.slice(0, 2000).map((n): [string, string] => [n, n]), (v) => { location.hash = href('history', v, here().params); }) : null,
        select(t.span, c.params['span'] === 'custom' ? 'custom' : span.from, t.spans, (v) => setParams(v === 'custom' ? { span: v, from: new Date(span.end - span.hours * 3600e3).toISOString(), to: new Date(span.end).toISOString() } : { span: v, from: '', to: '' })),
        c.params['span'] === 'custom' ? customSpan(c, span) : null,
        h('span', { class: 'grow' }),
        what === 'steps' ? null : button(t.export, () => void save(c, what, span, name))),
      by_server && !name ? empty(t.none) : what === 'steps' ? steps(c, name, span) : listed(c, what, span, name),
    ];
  },
};
