/* server.ts - one server: what was, what will be, how sure, why, and how well it has been forecast so far. */
import { query } from '../api';
import { h, type Child, type VNode } from '../dom';
import { ago, clock, count, dateClock, full, number, percent, soon, span, withUnit, words } from '../format';
import { href, setParams } from '../router';
import { happenedTo, marksOf, subjectOf, valueOf, type Happened } from '../happened';
import { joined, shadesOf } from '../series';
import { levelsOf, thresholdLines } from '../thresholds';
import { metricName, text } from '../text';
import { HORIZONS, type ActiveAlerts, type Forecasts, type IncidentDetail, type Page, type Server, type Step } from '../types';
import { chart, chartKey, type ChartData } from '../components/chart';
import { table } from '../components/table';
import { card, empty, fact, facts, faultState, known, priorityChip, riskBar, select, severityLabel, skeleton, stateLabel } from '../components/ui';
import { explainCard } from '../components/explain';
import { trackRecord } from '../components/track';
import { reasons } from '../why';
import type { Context, View } from './view';

interface PastForecast {
  items: { origin: string; first: string; step_seconds: number; model: string; metrics: Record<string, { quantiles: Record<string, number[]>; actual: (number | null)[] }> }[];
}

/* ---- what is asked ------------------------------------------------------------------------------------- */

export function stepsOf(c: Context, name: string, hours: number): { steps: Step[] | undefined; absent: boolean } {
  const limit = Math.ceil((hours * 3600) / (c.contract?.step_seconds ?? 300)) + 2;
  const reply = c.use<Page<Step>>(`steps ${name}`, '/api/v1/history/steps' + query({ server: name, from: `-${hours}h`, limit }), 'live');
  return { steps: reply.data?.items, absent: reply.fault?.kind === 'absent' };
}

/* The newest forecast that was kept by then: one every half hour. */
function pastForecast(c: Context, name: string, metric: string, hoursAgo: number): { timestamps: string[]; values: Record<string, number[]> } | undefined {
  const half = 1800e3;
  const then = Math.floor((c.now - hoursAgo * 3600e3) / half) * half; // so that the request stays the same for half an hour
  const iso = (ms: number): string => new Date(ms).toISOString().replace('.000', '');
  const reply = c.use<PastForecast>(`said ${name} ${metric}`, '/api/v1/history/forecasts' + query({ server: name, metric, from: iso(then - half), to: iso(then + half) }), 'once').data;
  const item = reply?.items.at(-1);
  const values = item?.metrics[metric]?.quantiles;
  if (!item || !values) return undefined;
  const first = Date.parse(item.first);
  return { timestamps: (values['0.5'] ?? []).map((_, i) => iso(first + i * item.step_seconds * 1000)), values };
}

/* ---- parts --------------------------------------------------------------------------------------------- */

function head(c: Context, s: Server, alerts: ActiveAlerts['alerts']): VNode {
  return h('section', { class: 'server-head', key: 'head' },
    h('div', { class: 'server-title' },
      h('h1', null, h('bdi', null, s.server_name)),
      h('p', null, stateLabel(s.state, s.stale), s.state_since ? h('span', { class: 'muted' }, ` ${text.server.state_since} ${soon(s.state_since, c.now)}`) : null,
        h('span', { class: 'muted' }, ` · ${words(s.profile)}`))),
    h('div', { class: 'server-risk' }, priorityChip(s.risk?.priority), riskBar(s.risk?.score), h('p', { class: 'why' }, reasons(s, alerts, c.contract, c.now, 3).join('; '))),
    h('div', null, h('p', { class: 'field-label', id: 'h-within' }, text.server.probabilities), h('ul', { class: 'chances chances-small', 'aria-labelledby': 'h-within' },
      HORIZONS.map((horizon) => h('li', { key: horizon, class: 'chance' }, h('span', { class: 'chance-when' }, text.overview.horizons[horizon]), h('span', { class: 'chance-figure' }, percent(s.incident_probability?.[horizon])))))));
}

function controls(c: Context): VNode {
  const t = text.server;
  return h('div', { class: 'controls', key: 'controls' },
    select(t.span, c.params['span'] ?? '12', t.spans, (v) => setParams({ span: v })),
    select(t.overlays, c.params['overlay'] ?? 'none', t.overlay, (v) => setParams({ overlay: v === 'none' ? '' : v })),
    select(t.past, c.params['said'] ?? '', t.past_options, (v) => setParams({ said: v })),
    h('span', { class: 'grow' }),
    chartKey([['measured', t.measured], ['median', t.median], ['band-3', t.band50], ['band-2', t.band80], ['band-1', t.band96],
      ['incident', t.incident], ['maintenance', t.maintenance],
      ...(c.params['overlay'] ? [['compare', c.params['overlay'] === 'week' ? t.week : t.yesterday] as [string, string]] : []),
      ...(c.params['said'] ? [['said', t.said] as [string, string]] : [])]));
}

function valuesTable(c: Context, data: Map<string, ChartData>): VNode {
  const metrics = [...data.keys()];
  const first = data.get(metrics[0] ?? '');
  if (!first) return empty(text.state.empty);
  interface Row { at: number; i: number }
  const rows = first.times.map((at, i): Row => ({ at, i })).reverse();
  const value = (metric: string, style: string, i: number): number | null => data.get(metric)?.lines.find((l) => l.style === style)?.values[i] ?? null;
  const band = (metric: string, i: number): string => {
    const b = data.get(metric)?.bands.find((x) => x.level === 2 && !x.said);
    return b && b.low[i] !== null && b.low[i] !== undefined ? `${number(b.low[i])}–${number(b.high[i])}` : '';
  };
  return table<Row>({
    id: 'values', caption: text.server.as_table, rows, rowKey: (r) => String(r.at), params: c.params, first: 24,
    columns: [
      { key: 'at', head: text.words.time, cell: (r) => dateClock(r.at * 1000), value: (r) => new Date(r.at * 1000).toISOString() },
      ...metrics.flatMap((m) => [
        { key: m, head: metricName(m), number: true, cell: (r: Row) => number(value(m, 'measured', r.i) ?? value(m, 'median', r.i)), value: (r: Row) => value(m, 'measured', r.i) ?? value(m, 'median', r.i) },
        { key: m + '80', head: text.server.band80, number: true, narrow: true, cell: (r: Row) => band(m, r.i), value: (r: Row) => band(m, r.i) },
      ]),
    ],
  });
}

function charts(c: Context, s: Server, alerts: ActiveAlerts['alerts'], happened: Happened): Child {
  const hours = Math.min(168, Math.max(1, Number(c.params['span']) || 12));
  const compareDays = c.params['overlay'] === 'week' ? 7 : c.params['overlay'] === 'day' ? 1 : 0;
  const { steps, absent } = stepsOf(c, s.server_name, hours + 24 * compareDays);
  const forecast = c.use<Forecasts>(`forecast ${s.server_name}`, '/api/v1/forecasts/' + encodeURIComponent(s.server_name), 'live');
  const curve = c.use<IncidentDetail>(`curve ${s.server_name}`, `/api/v1/incidents/${encodeURIComponent(s.server_name)}?curve=true`, 'live').data;
  const levels = levelsOf(c);
  const metrics = c.contract?.metrics ?? [];
  if (!metrics.length || (!forecast.data && !forecast.fault && !steps)) return skeleton(12);
  const minute = Math.floor(c.now / 15000);
  const ready = new Map<string, ChartData>();
  const saidHours = Number(c.params['said']) || 0;
  for (const m of metrics) {
    const said = saidHours ? pastForecast(c, s.server_name, m.name, saidHours) : undefined;
    const marks = marksOf(happened.alerts, m.name);
    const config = JSON.stringify([thresholdLines(levels, s.profile, m.name, alerts.filter((a) => a.server === s.server_name)), happened.shades, marks]);
    ready.set(m.name, c.memo.of(m.name, [s.server_name, steps, forecast.data, hours, compareDays, said, config, minute, c.dark, c.contract], () =>
      joined({
        server: s.server_name, metric: m.name, contract: c.contract, steps: steps ?? [], forecast: forecast.data, hours, compareDays, said, alerts,
        thresholds: thresholdLines(levels, s.profile, m.name, alerts.filter((a) => a.server === s.server_name)),
        shades: happened.shades, marks, height: 150, now: c.now, dark: c.dark,
      })));
  }
  const first = ready.get(metrics[0]!.name)!;
  const risk = curve && c.memo.of('curve', [curve, first, c.dark], (): ChartData => {
    const ahead = curve.item.curve;
    const past = first.times.length - ahead.length;
    return {
      label: text.server.incident_curve, unit: '%', times: first.times, now: first.now, bands: [], thresholds: [], shades: first.shades, height: 110, min: 0, max: 100, sync: 'time', dark: c.dark,
      lines: [{ label: text.server.incident_curve, style: 'curve', values: first.times.map((_, i) => (i < past ? null : 100 * (ahead[i - past] ?? 0))) }],
    };
  });
  return [
    absent ? h('p', { class: 'help', key: 'absent' }, text.state.absent) : null,
    h('div', { class: 'charts', key: 'charts' },
      metrics.map((m) => h('figure', { key: m.name, class: 'figure' },
        h('figcaption', null, h('h2', null, metricName(m.name), h('span', { class: 'unit' }, ` ${m.unit}`)), h('span', { class: 'muted' }, `${text.words.current.toLowerCase()} `), h('b', null, withUnit(s.current[m.name], m.unit))),
        chart(m.name, ready.get(m.name)!))),
      risk ? h('figure', { key: 'risk', class: 'figure figure-wide' }, h('figcaption', null, h('h2', null, text.server.incident_curve, h('span', { class: 'unit' }, ' %'))), chart('risk', risk)) : null),
    h('details', { class: 'card', key: 'table', open: c.params['table'] === '1', on: { toggle: (e: Event) => setParams({ table: (e.target as HTMLDetailsElement).open ? '1' : '' }) } },
      h('summary', null, text.server.as_table), c.params['table'] === '1' ? valuesTable(c, ready) : null),
  ];
}

function alertsCard(c: Context, alerts: ActiveAlerts['alerts'], happened: Happened): VNode {
  const over = happened.alerts.filter((a) => a.status === 'resolved').slice(0, 6);
  return card(text.server.alerts, [alerts.length
    ? h('ul', { class: 'alert-list' }, alerts.map((a) => h('li', { key: a.id }, severityLabel(a.severity),
        h('span', { class: 'grow' }, text.overview.reach(subjectOf(a), valueOf(a, a.predicted_value)), ` (${text.words.threshold.toLowerCase()} ${valueOf(a, a.threshold)})`),
        h('span', { class: 'muted' }, soon(a.expected_at, c.now)))))
    : empty(text.server.no_alerts),
    over.length ? [h('h3', { key: 'over' }, text.server.alerts_over), h('ul', { class: 'plain', key: 'past' }, over.map((a) => h('li', { key: a.id },
      severityLabel(a.severity), ` ${subjectOf(a)}, ${soon(a.starts_at, c.now)} – ${soon(a.ends_at, c.now)}`)))] : null], { id: 'alerts', aside: h('a', { href: href('alerts') }, text.nav.alerts) });
}

function incidentsCard(c: Context, happened: Happened, steps: Step[] | undefined): VNode {
  if (happened.incidents?.length) return card(text.server.incidents, h('ul', { class: 'plain' }, happened.incidents.slice(0, 10).map((i) =>
    h('li', { key: i.start }, `${dateClock(i.start)} – ${i.end ? soon(i.end, Date.parse(i.start)) : text.now}, ${words(i.state)}`,
      h('span', { class: 'sub' }, i.planned ? text.server.planned : i.lead_time_s === null ? text.server.unwarned : text.server.warned(span(i.lead_time_s)))))), { id: 'incidents', aside: h('a', { href: href('history', '', { what: 'incidents', span: '-7d' }) }, text.nav.history) });
  const shades = happened.incidents ? [] : shadesOf(steps ?? [], c.contract?.step_seconds ?? 300).filter((s) => s.kind === 'incident').reverse();
  return card(text.server.incidents, shades.length
    ? h('ul', { class: 'plain' }, shades.slice(0, 10).map((s) => h('li', { key: String(s.from) }, `${dateClock(s.from * 1000)} – ${s.to * 1000 > c.now ? text.now : clock(s.to * 1000)}`)))
    : empty(text.server.no_incidents), { id: 'incidents' });
}

/* The windows that the charts shade, in words. */
function maintenanceCard(c: Context, happened: Happened): VNode | null {
  if (!happened.windows.length) return null;
  return card(text.server.maintenance, h('ul', { class: 'plain' }, happened.windows.map((w, i) => h('li', { key: `${w.from} ${i}`, class: 'planned-window' },
    `${dateClock(w.from * 1000)} – ${soon(w.to * 1000, w.from * 1000)}`, w.from * 1000 > c.now || w.to * 1000 < c.now ? '' : ` (${text.now})`))), { id: 'maintenance', aside: h('a', { href: href('alerts') }, text.nav.alerts) });
}

function aboutCard(c: Context, s: Server): VNode {
  return card(text.server.facts, facts(
    fact(text.words.last_seen, ago(s.last_seen, c.now), full(s.last_seen)),
    fact(text.server.first_seen, dateClock(s.first_seen), full(s.first_seen)),
    fact(text.words.records, count(s.records)),
    fact(text.words.model, s.model_type === 'TFT' ? text.words.by_network : s.model_type ? text.words.by_heuristic : text.none),
    fact(text.words.profile, words(s.profile)),
    fact('ID', s.server_id)), { id: 'about' });
}

function one(c: Context): Child {
  const name = c.about;
  const reply = c.use<Server>(`server ${name}`, '/api/v1/servers/' + encodeURIComponent(name), 'live');
  if (!reply.data) {
    if (reply.fault?.status === 404 && reply.fault.kind !== 'absent') return [h('h1', { key: 'h' }, h('bdi', null, name)), empty(text.server.unknown(name), [text.server.unknown_help, ' ', h('a', { href: href('top') }, text.server.all)])];
    return reply.fault ? faultState(reply.fault) : skeleton(12);
  }
  const s = reply.data;
  const alerts = (c.use<ActiveAlerts>('alerts', '/alerts/active', 'live').data?.alerts ?? []).filter((a) => a.server === name);
  const hours = Math.min(168, Math.max(1, Number(c.params['span']) || 12));
  const compareDays = c.params['overlay'] === 'week' ? 7 : c.params['overlay'] === 'day' ? 1 : 0;
  const { steps } = stepsOf(c, name, hours + 24 * compareDays);
  const happened = happenedTo(c, name, s.profile, hours, steps);
  return [
    head(c, s, alerts), controls(c), charts(c, s, alerts, happened),
    h('div', { class: 'cards', key: 'cards' }, alertsCard(c, alerts, happened), incidentsCard(c, happened, steps), maintenanceCard(c, happened), s.model_type === 'TFT' ? explainCard(c, name) : null, trackRecord(c, name), aboutCard(c, s)),
  ];
}

function pick(c: Context): Child {
  return known(c.servers(), (data) => [
    h('h1', { key: 'h' }, text.server.pick),
    c.memo.of('pick', [data], () => h('ul', { class: 'pick', key: 'pick' }, data.items.slice(0, 1000).map((s) => h('li', { key: s.server_name }, h('a', { href: href('server', s.server_name), 'data-row': '' }, h('bdi', null, s.server_name)))))),
  ]);
}

export const server: View = { name: 'server', key: '', render: (c) => (c.about ? one(c) : pick(c)) };
