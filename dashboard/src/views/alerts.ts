/* alerts.ts - what fires, what is silenced, who is told; acknowledging and silencing where the key may. */
import { Fault, query, send } from '../api';
import { h, type Child, type VNode } from '../dom';
import { ago, count, dateClock, percent, soon, withUnit, words } from '../format';
import { setParams } from '../router';
import { metricName, text } from '../text';
import type { Alert, Page } from '../types';
import { card, empty, known, select, serverLink, severityLabel, tabs, button, chip } from '../components/ui';
import { table } from '../components/table';
import { subjectOf, valueOf } from '../happened';
import { levelsOf } from '../thresholds';
import type { Context, View } from './view';

interface FullAlert extends Alert {
  kind: string;
  status: string;
  starts_at: string;
  ends_at: string | null;
  ack: { by: string; comment?: string } | null;
  silenced_by: string[];
  crossing: { p10: string | null; p50: string | null; p90: string | null } | null;
  expected_precision: number | null; // null: nobody has counted such alerts
  description: string | null;
}
interface Silence {
  id: string;
  status: string;
  kind: string;
  matchers: Record<string, string>;
  starts_at: string;
  ends_at: string;
  rrule: string | null;
  created_by: string;
  comment: string;
}
interface Delivery {
  at: string;
  result: string;
  alerts: number;
  firing: number;
  error: string | null;
}
interface Target {
  target: string;
  url: string;
  delivered: number;
  failed: number;
  dropped: number;
  waiting: number;
  last_error: string | null;
  deliveries: Delivery[];
}
interface Receiver {
  name: string;
  kind: string;
  targets: Target[];
}

/* Does something that the key may not be allowed, and says how it went beside the heading. */
async function act(c: Context, what: () => Promise<unknown>): Promise<void> {
  try {
    await what();
    c.local['result'] = text.alerts.done;
    c.local['failed'] = false;
  } catch (reason) {
    c.local['result'] = text.alerts.failed(reason instanceof Fault && reason.kind === 'denied' ? text.state.denied : reason instanceof Error ? reason.message : String(reason));
    c.local['failed'] = true;
  }
  c.changed();
  c.render();
}

const me = (): string => localStorage.getItem('tftd.name') ?? 'dashboard';

const small = (label: string, title: string, run: () => void): VNode => button(label, run, { class: 'button button-small', 'aria-label': `${label}: ${title}` });

function actions(c: Context, a: FullAlert): Child {
  if (a.status === 'resolved') return null;
  const path = `/api/v1/alerts/${encodeURIComponent(a.id)}/ack`;
  const title = `${a.server ?? text.fleet} ${subjectOf(a)}`;
  return h('span', { class: 'row-actions' },
    a.acknowledged ? small(text.alerts.unack, title, () => void act(c, () => send('DELETE', path))) : small(text.alerts.ack, title, () => void act(c, () => send('POST', path, { by: me() }))),
    small(text.alerts.silence, title, () => void act(c, () => send('POST', '/api/v1/silences', {
      kind: 'silence', matchers: { server: a.server ?? '*', kind: a.kind, ...(a.metric_name ? { metric: a.metric_name } : {}) }, ends_at: new Date(Date.now() + 3600e3).toISOString(), created_by: me(),
    }))));
}

function list(c: Context, alerts: FullAlert[]): VNode {
  const w = text.words;
  return table<FullAlert>({
    id: 'list', caption: text.alerts.title, rows: alerts, rowKey: (a) => a.id, params: c.params, first: 50, sort: 'severity,asc',
    columns: [
      { key: 'severity', head: w.severity, cell: (a) => severityLabel(a.severity), value: (a) => a.severity },
      { key: 'server', head: w.server, cell: (a) => (a.server ? serverLink(a.server) : text.fleet), value: (a) => a.server },
      { key: 'metric', head: w.metric, cell: (a) => [subjectOf(a), a.status !== 'firing' ? [' ', chip('quiet', a.status)] : null,
        a.description ? h('span', { class: 'sub' }, a.description) : null,
        a.acknowledged ? [' ', chip('ok', text.alerts.acked, a.ack ? `${a.ack.by} ${a.ack.comment ?? ''}` : undefined)] : null, a.silenced ? [' ', chip('quiet', text.alerts.silenced)] : null], value: (a) => a.metric_name ?? a.kind },
      { key: 'current', head: w.current, number: true, cell: (a) => valueOf(a, a.current), value: (a) => a.current },
      { key: 'value', head: w.expected, number: true, cell: (a) => valueOf(a, a.predicted_value), value: (a) => a.predicted_value },
      { key: 'threshold', head: w.threshold, number: true, narrow: true, cell: (a) => valueOf(a, a.threshold), value: (a) => a.threshold },
      { key: 'when', head: w.time, cell: (a) => (a.minutes_ahead !== null ? [text.alerts.in(a.minutes_ahead), h('span', { class: 'sub' }, soon(a.expected_at, c.now))] : text.none), value: (a) => a.expected_at },
      { key: 'p', head: w.probability, number: true, narrow: true, cell: (a) => percent(a.probability), value: (a) => a.probability },
      { key: 'since', head: w.since, narrow: true, cell: (a) => [dateClock(a.starts_at ?? a.since), a.ends_at ? ` – ${soon(a.ends_at, c.now)}` : h('span', { class: 'sub' }, ago(a.starts_at ?? a.since, c.now))], value: (a) => a.starts_at ?? a.since },
      { key: 'do', bare: true, head: text.words.actions, cell: (a) => actions(c, a) },
    ],
  });
}

function newSilence(c: Context): VNode {
  const t = text.alerts;
  const submit = (e: Event): void => {
    e.preventDefault();
    const form = e.target as HTMLFormElement;
    const f = new FormData(form);
    const of = (name: string): string => String(f.get(name) ?? '').trim();
    localStorage.setItem('tftd.name', of('by'));
    const metric = of('kind') === 'maintenance' ? '' : of('metric'); // a machine is away as a whole
    void act(c, () => send('POST', '/api/v1/silences', {
      kind: of('kind'), matchers: { server: of('server'), ...(metric ? { metric } : {}) }, ends_at: new Date(Date.now() + Number(of('for')) * 60e3).toISOString(), created_by: of('by'), comment: of('comment'),
    }));
  };
  const field = (label: string, name: string, props: Record<string, unknown>): VNode => h('label', { class: 'field field-wide', key: name }, h('span', { class: 'field-label' }, label), h('input', { name, ...props }));
  const choice = (label: string, name: string, options: [string, string][], value: string): VNode =>
    h('label', { class: 'field', key: name }, h('span', { class: 'field-label' }, label), h('select', { name }, options.map(([v, n]) => h('option', { key: v, value: v, selected: v === value }, n))));
  return h('details', { class: 'new', key: 'new' }, h('summary', null, t.new_silence),
    h('form', { class: 'form', on: { submit } },
      choice(t.kind, 'kind', Object.entries(t.kinds), 'silence'),
      field(t.server_glob, 'server', { required: true, maxlength: 256 }),
      choice(text.words.metric, 'metric', [['', t.any_metric], ...(c.contract?.metrics ?? []).map((m): [string, string] => [m.name, metricName(m.name)])], ''),
      choice(t.for, 'for', Object.entries(t.durations), '60'),
      field(t.by, 'by', { required: true, maxlength: 127, value: me() }),
      field(t.comment, 'comment', { maxlength: 255 }),
      h('button', { class: 'button button-main', type: 'submit' }, t.create)));
}

function silences(c: Context): VNode {
  const reply = c.use<Page<Silence>>('silences', '/api/v1/silences?limit=500', 'slow');
  return card(text.alerts.silences, [
    known(reply, (data) => (data.items.length
      ? table<Silence>({
          id: 'silences', caption: text.alerts.silences, rows: data.items, rowKey: (s) => s.id, params: c.params, first: 20,
          columns: [
            { key: 'kind', head: text.alerts.kind, cell: (s) => [words(s.kind), ' ', chip(s.status === 'active' ? 'p2' : 'quiet', s.status)], value: (s) => s.kind },
            { key: 'what', head: text.words.server, cell: (s) => h('bdi', null, Object.entries(s.matchers).map(([k, v]) => `${k}=${v}`).join(', ')), value: (s) => Object.values(s.matchers).join(' ') },
            { key: 'from', head: text.alerts.starts, narrow: true, cell: (s) => dateClock(s.starts_at), value: (s) => s.starts_at },
            { key: 'to', head: text.alerts.ends, cell: (s) => [dateClock(s.ends_at), s.rrule ? h('span', { class: 'sub' }, s.rrule) : null], value: (s) => s.ends_at },
            { key: 'by', head: text.alerts.by, narrow: true, cell: (s) => [s.created_by, s.comment ? h('span', { class: 'sub' }, s.comment) : null], value: (s) => s.created_by },
            { key: 'do', bare: true, head: text.words.actions, cell: (s) => (s.status === 'expired' ? null : small(text.alerts.end, s.id, () => void act(c, () => send('DELETE', `/api/v1/silences/${encodeURIComponent(s.id)}`, undefined, { 'If-Match': '*' })))) },
          ],
        })
      : empty(text.alerts.no_silences))),
    newSilence(c),
  ], { id: 'silences' });
}

/* One address: what came of everything that was for it, and its last posts one by one. */
function target(c: Context, id: string, t: Target): Child {
  const w = text.alerts;
  return [
    h('p', { class: 'sub', key: 'sums' }, h('code', null, t.url), ` ${w.deliveries(count(t.delivered), count(t.failed), count(t.dropped), count(t.waiting))}`, t.last_error ? `; ${t.last_error}` : ''),
    t.deliveries.length ? table<Delivery>({
      id, caption: w.posts, rows: t.deliveries, rowKey: (d) => String(t.deliveries.indexOf(d)), params: c.params, first: 5,
      columns: [
        { key: 'at', head: text.words.time, cell: (d) => dateClock(d.at), value: (d) => d.at },
        { key: 'result', head: w.result, cell: (d) => [words(d.result), d.error ? h('span', { class: 'sub' }, d.error) : null], value: (d) => d.result },
        { key: 'alerts', head: w.title, number: true, cell: (d) => count(d.alerts), value: (d) => d.alerts },
        { key: 'firing', head: w.firing_now, number: true, cell: (d) => count(d.firing), value: (d) => d.firing },
      ],
    }) : null,
  ];
}

function receivers(c: Context): VNode {
  const reply = c.use<Page<Receiver>>('receivers', '/api/v1/receivers', 'slow');
  return card(text.alerts.receivers, known(reply, (data) => (data.items.length
    ? h('ul', { class: 'plain' }, data.items.map((r) => h('li', { key: r.name }, h('b', null, r.name), ` ${words(r.kind)} `,
        small(text.alerts.test, r.name, () => void act(c, () => send('POST', `/api/v1/receivers/${encodeURIComponent(r.name)}/test`, {}))),
        h('ul', null, r.targets.map((t, i) => h('li', { key: String(i) }, target(c, `posts-${r.name}-${i}`, t)))))))
    : empty(text.alerts.no_receivers))), { id: 'receivers' });
}

function thresholds(c: Context): VNode {
  const { levels, profiles } = levelsOf(c);
  const rows = [...Object.entries(levels).map(([m, v]) => ({ who: text.all, m, v })), ...Object.entries(profiles).flatMap(([p, of]) => Object.entries(of).map(([m, v]) => ({ who: words(p), m, v })))];
  const unit = (m: string): string => c.contract?.metrics.find((x) => x.name === m)?.unit ?? '';
  return card(text.alerts.thresholds, table({
    id: 'thresholds', caption: text.alerts.thresholds, rows, rowKey: (r) => r.who + r.m, params: c.params,
    columns: [
      { key: 'm', head: text.words.metric, cell: (r) => metricName(r.m), value: (r) => r.m },
      { key: 'who', head: text.words.profile, cell: (r) => r.who, value: (r) => r.who },
      { key: 'w', head: text.server.warning, number: true, cell: (r) => withUnit(r.v[0], unit(r.m)), value: (r) => r.v[0] },
      { key: 'c', head: text.server.critical, number: true, cell: (r) => withUnit(r.v[1], unit(r.m)), value: (r) => r.v[1] },
    ],
  }), { id: 'thresholds' });
}

const FILTERS: Record<string, string> = { 'firing,pending': text.alerts.firing, resolved: text.alerts.history };

export const alerts: View = {
  name: 'alerts',
  key: 'a',
  render(c) {
    const status = c.params['status'] === 'resolved' ? 'resolved' : 'firing,pending';
    const severity = c.params['severity'] ?? '';
    const reply = c.use<Page<FullAlert>>('alert list', '/api/v1/alerts' + query({ status, severity, from: c.params['from'] ?? '-24h', limit: 1000 }), 'live');
    const result = c.local['result'] as string | undefined;
    return [
      h('div', { class: 'view-head', key: 'head' }, h('h1', null, text.alerts.title), h('p', { role: 'status', class: `result ${c.local['failed'] ? 'result-bad' : ''}` }, result ?? '')),
      h('div', { class: 'controls', key: 'controls' }, tabs(text.alerts.status, status, FILTERS, (v) => setParams({ status: v === 'resolved' ? v : '' })),
        select(text.words.severity, severity, { '': text.all, critical: 'critical', warning: 'warning' }, (v) => setParams({ severity: v })),
        status === 'resolved' ? select(text.history.span, c.params['from'] ?? '-24h', text.history.spans, (v) => setParams({ from: v })) : null),
      h('section', { class: 'card', key: 'list' }, known(reply, (data) => (data.items.length ? list(c, data.items) : empty(status === 'resolved' ? text.history.none : text.alerts.none, text.alerts.none_help)), 8)),
      h('div', { class: 'cards', key: 'cards' }, silences(c), receivers(c), thresholds(c)),
    ];
  },
};
