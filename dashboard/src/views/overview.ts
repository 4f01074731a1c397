/* overview.ts - the answer in five seconds: what is broken, what will break tonight, and how far to believe it. */
import { h, type Child, type VNode } from '../dom';
import { ago, clock, count, number, percent, soon, span, withUnit, words } from '../format';
import { href } from '../router';
import { metricName, text } from '../text';
import { HORIZONS, type ActiveAlerts, type Alert, type Forecasts, type Incidents, type Page, type Server, type Status } from '../types';
import type { Known } from '../store';
import { answered, card, chance, empty, fact, facts, known, priorityChip, riskBar, serverLink, severityLabel, skeleton, stateLabel } from '../components/ui';
import { query } from '../api';
import { table } from '../components/table';
import { timeline, type Lane } from '../components/timeline';
import { reliabilityNear, type Quality } from '../quality_data';
import { subjectOf, valueOf, type PastAlert } from '../happened';
import { inIncident, reasons } from '../why';
import type { Context, View } from './view';

const LIKELY = 0.3;
const HOUR = 3600e3;
const LANES = 8; // of the time line: what fits above the fold
const p8 = (s: Server): number => s.incident_probability?.['8h'] ?? 0;

/* ---- the headline -------------------------------------------------------------------------------------- */

function headline(c: Context, servers: Server[], fleet: Incidents | undefined): VNode {
  const t = text.overview;
  const broken = servers.filter(inIncident);
  const likely = servers.filter((s) => !inIncident(s) && p8(s) >= LIKELY).sort((a, b) => p8(b) - p8(a));
  const highest = servers.filter((s) => !inIncident(s)).sort((a, b) => p8(b) - p8(a))[0];
  const forecast = servers.some((s) => s.incident_probability !== null);
  const any = fleet?.fleet.any['8h'] ?? 0;
  const spread = any >= 0.5; // many small chances: none stands out, and still one of them will probably come
  const kind = broken.length ? 'bad' : likely.length || spread ? 'warn' : 'ok';
  const names = (list: Server[], chances: boolean): Child[] =>
    list.slice(0, 4).map((s) => h('span', { class: 'headline-name', key: s.server_name }, serverLink(s.server_name), chances ? ` ${percent(p8(s))}` : ''));
  return h('section', { class: `headline headline-${kind}`, key: 'headline', 'aria-live': 'polite' },
    h('span', { class: 'headline-shape', 'aria-hidden': 'true' }, kind === 'bad' ? '■' : kind === 'warn' ? '▲' : '●'),
    h('div', null,
      h('h1', null,
        !forecast && broken.length === 0 ? t.no_forecast
        : broken.length ? [t.incident_now(broken.length), likely.length ? `; ${t.likely(likely.length)}` : '']
        : likely.length ? t.likely_only(likely.length)
        : spread ? t.spread(percent(any))
        : t.calm, '.'),
      h('p', { class: 'headline-sub' },
        broken.length ? names(broken, false) : null,
        likely.length ? [h('span', { key: 'next', class: 'muted' }, t.next), ...names(likely, true)] : null,
        !broken.length && !likely.length && highest && forecast ? h('span', null, t.highest(percent(p8(highest))), serverLink(highest.server_name), '.') : null)),
    freshness(c, servers));
}

const newestRecord = (servers: Server[]): number => servers.reduce((at, s) => Math.max(at, s.last_seen ? Date.parse(s.last_seen) : 0), 0); // 0 = none

/* How old what one reads is, beside the sentence that it says. */
function freshness(c: Context, servers: Server[]): VNode | null {
  const status = c.use<Status>('status', '/status', 'live').data;
  const newest = newestRecord(servers);
  if (!status || !newest) return null;
  return h('p', { class: 'headline-data' },
    h('span', null, text.overview.data_age(ago(newest, c.now))),
    h('span', null, status.forecast_age_s === null ? text.overview.no_forecast : text.overview.forecast_age(text.ago(span(status.forecast_age_s)))),
    h('span', null, text.overview.reporting(count(status.servers_active), count(status.servers_tracked))));
}

/* ---- probabilities ------------------------------------------------------------------------------------- */

function probabilities(incidents: Incidents, quality: Quality | undefined): VNode {
  const t = text.overview;
  return h('ul', { class: 'chances' }, HORIZONS.map((horizon) => {
    const p = incidents.fleet.any[horizon];
    const kept = reliabilityNear(quality, horizon, p);
    return h('li', { key: horizon, class: 'chance' },
      h('span', { class: 'chance-when' }, t.within[horizon]),
      h('span', { class: 'chance-figure' }, percent(p)),
      h('span', { class: 'chance-track', 'aria-hidden': 'true' }, h('span', { class: 'chance-fill', css: { width: `${100 * p}%` } })),
      h('span', { class: 'chance-note' }, t.expected(number(incidents.fleet.expected[horizon]))),
      h('span', { class: 'chance-note' }, kept ? t.kept(percent(kept.said), percent(kept.came)) : t.no_record));
  }));
}

/* ---- servers by risk ----------------------------------------------------------------------------------- */

/* Median of a metric in 30 minutes: the sixth step. */
function in30(forecasts: Forecasts | undefined, server: string, metric: string): number | undefined {
  return forecasts?.items.find((i) => i.server_name === server)?.metrics[metric]?.values['0.5']?.at(5);
}

function riskTable(c: Context, servers: Server[], alerts: Alert[]): VNode {
  const top = servers.slice(0, 15);
  const forecasts = c.use<Forecasts>('in30', '/api/v1/forecasts' + query({ servers: top.map((s) => s.server_name).filter((n) => !n.includes(',')).join(','), quantiles: '0.5', steps: 6 }), 'live').data;
  const w = text.words;
  const metric = (name: string): { key: string; head: string; number: boolean; narrow: boolean; title: string; cell: (s: Server) => Child; value: (s: Server) => number | null | undefined } => ({
    key: name, head: metricName(name), number: true, narrow: true, title: `${metricName(name)}: ${w.current} → ${w.in30}`,
    cell: (s) => {
      const unit = c.contract?.metrics.find((m) => m.name === name)?.unit ?? '';
      const now = s.current[name];
      const then = in30(forecasts, s.server_name, name);
      const delta = now !== null && now !== undefined && then !== undefined ? then - now : 0;
      const way = Math.abs(delta) < 0.05 * Math.max(10, Math.abs(now ?? 0)) ? '→' : delta > 0 ? '↗' : '↘';
      return [withUnit(now, unit), then !== undefined ? h('span', { class: 'then' }, `${way} ${number(then)}`) : null];
    },
    value: (s) => s.current[name],
  });
  return table<Server>({
    id: 'risk', caption: text.overview.by_risk, rows: top, params: c.params, rowKey: (s) => s.server_name, rowClass: (s) => (s.stale ? 'stale' : ''),
    note: servers.length > top.length ? h('a', { href: href('top', '', { n: '50' }) }, `${text.overview.all_servers} (${servers.length})`) : undefined,
    columns: [
      { key: 'priority', bare: true, head: text.words.priority, cell: (s) => priorityChip(s.risk?.priority), value: (s) => s.risk?.priority },
      { key: 'server', head: w.server, cell: (s) => [serverLink(s.server_name), h('span', { class: 'sub' }, stateLabel(s.state, s.stale), ` · ${words(s.profile)}`)], value: (s) => s.server_name },
      { key: 'risk', head: w.risk, number: true, cell: (s) => riskBar(s.risk?.score), value: (s) => s.risk?.score },
      { key: 'p8', head: w.p8, number: true, cell: (s) => chance(s.incident_probability?.['8h']), value: (s) => s.incident_probability?.['8h'] },
      { key: 'why', head: w.reason, cell: (s) => h('span', { class: 'why' }, reasons(s, alerts, c.contract, c.now).join('; ')), value: (s) => reasons(s, alerts, c.contract, c.now).join('; ') },
      metric('cpu_pct'), metric('mem_pct'), metric('latency_ms'),
    ],
  });
}

/* ---- tonight ------------------------------------------------------------------------------------------- */

const curves = (c: Context): Known<Incidents> => c.use<Incidents>('curves', '/api/v1/incidents?curve=true&limit=' + String(LANES), 'live');

function tonight(c: Context, alerts: Alert[]): Child {
  return known(curves(c), (data) => {
    const start = Date.parse(data.timestamps?.[0] ?? '') || c.now;
    const names = new Set(data.items.filter((i) => i.incident_probability['8h'] >= 0.05).map((i) => i.server_name));
    for (const a of alerts) if (a.server && a.expected_at && names.size < LANES) names.add(a.server);
    const lanes: Lane[] = [...names].map((name) => ({
      name,
      curve: data.items.find((i) => i.server_name === name)?.curve,
      marks: alerts.filter((a) => a.server === name && a.expected_at !== null).map((a) => ({
        at: Date.parse(a.expected_at!), severity: a.severity,
        label: `${text.overview.reach(subjectOf(a), valueOf(a, a.predicted_value))}, ${soon(a.expected_at, c.now)}`,
      })),
    }));
    return lanes.length ? timeline(lanes, start, c.now) : empty(text.overview.timeline_empty);
  }, 6);
}

/* ---- what changed -------------------------------------------------------------------------------------- */

interface Change { at: number; server: string; what: string; kind: string }

function changes(servers: Server[], alerts: Alert[], over: PastAlert[], now: number): Change[] {
  const t = text.overview;
  const out: Change[] = [];
  const recent = (at: string | null): number => (at && now - Date.parse(at) < HOUR ? Date.parse(at) : 0);
  for (const s of servers) {
    const since = recent(s.state_since);
    const born = recent(s.first_seen);
    if (born) out.push({ at: born, server: s.server_name, what: t.appeared, kind: 'info' });
    else if (since && s.state) out.push({ at: since, server: s.server_name, what: t.became(words(s.state)), kind: inIncident(s) ? 'bad' : 'info' });
    if (s.stale && s.last_seen && now - Date.parse(s.last_seen) < 2 * HOUR) out.push({ at: Date.parse(s.last_seen), server: s.server_name, what: t.went_silent, kind: 'warn' });
  }
  for (const a of alerts) {
    const since = recent(a.since);
    if (since) out.push({ at: since, server: a.server ?? '', what: t.alert_fired(`${subjectOf(a)} ${a.severity}`), kind: a.severity === 'critical' ? 'bad' : 'warn' });
  }
  for (const a of over) {
    const ended = recent(a.ends_at);
    if (ended) out.push({ at: ended, server: a.server ?? '', what: t.alert_over(`${subjectOf(a)} ${a.severity}`), kind: 'info' });
  }
  return out.sort((a, b) => b.at - a.at || a.server.localeCompare(b.server)).slice(0, 12);
}

function changeList(list: Change[]): VNode {
  if (!list.length) return empty(text.overview.unchanged);
  return h('ul', { class: 'changes' }, list.map((c) =>
    h('li', { key: `${c.at}${c.server}${c.what}`, class: `change change-${c.kind}` },
      h('time', { class: 'muted' }, clock(c.at)), c.server ? serverLink(c.server) : h('span', { class: 'name' }, text.fleet), h('span', null, c.what))));
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

const RISK_BINS: [string, number, number][] = [['0–30', 0, 30], ['30–50', 30, 50], ['50–70', 50, 70], ['70–100', 70, 101]];

function distribution(servers: Server[]): VNode {
  const counts = RISK_BINS.map(([, low, high]) => servers.filter((s) => s.risk && s.risk.score >= low && s.risk.score < high).length);
  const most = Math.max(1, ...counts);
  return h('ul', { class: 'bins' }, RISK_BINS.map(([name], i) =>
    h('li', { key: name }, h('span', { class: 'bin-name' }, name),
      h('span', { class: 'bin-track', 'aria-hidden': 'true' }, h('span', { class: `bin-fill bin-${i}`, css: { width: `${(100 * counts[i]!) / most}%` } })),
      h('span', { class: 'bin-count' }, count(counts[i])))));
}

function stateCounts(servers: Server[]): VNode {
  const counts = new Map<string, number>();
  for (const s of servers) counts.set(s.state ?? '', (counts.get(s.state ?? '') ?? 0) + 1);
  return h('ul', { class: 'states' }, [...counts].sort((a, b) => b[1] - a[1]).map(([state, n]) =>
    h('li', { key: state }, stateLabel(state || null), h('span', { class: 'bin-count' }, count(n)))));
}

function dataFacts(c: Context, servers: Server[]): Child {
  const status = c.use<Status>('status', '/status', 'live').data;
  if (!status) return skeleton(3);
  const newest = newestRecord(servers);
  return facts(
    fact(text.overview.newest, newest ? ago(newest, c.now) : text.none),
    fact(text.overview.forecast_made, status.forecast_age_s === null ? text.none : text.ago(span(status.forecast_age_s))),
    fact(text.overview.active, `${count(status.servers_active)} / ${count(status.servers_tracked)}`),
    fact(text.overview.ingest, count(status.records_total)),
    fact(text.overview.rejected, count(status.rejected_total)),
    fact(text.overview.model, h('a', { href: href('models'), title: status.model?.name }, status.model?.type ?? text.none)));
}

function trends(servers: Server[]): Child {
  const rising = servers.filter((s) => s.risk && s.risk.soon > s.risk.now + 5).length;
  const falling = servers.filter((s) => s.risk && s.risk.now > s.risk.soon + 5).length;
  return h('span', { class: 'muted' }, `${text.overview.rising(rising)}, ${text.overview.falling(falling)}`);
}

function alertList(alerts: Alert[], now: number): VNode {
  return h('ul', { class: 'alert-list' }, [...alerts].sort((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical') || (a.expected_at ?? '~').localeCompare(b.expected_at ?? '~')).slice(0, 8).map((a) =>
    h('li', { key: a.id }, severityLabel(a.severity), a.server ? serverLink(a.server) : h('span', { class: 'name' }, text.fleet),
      h('span', { class: 'grow' }, text.overview.reach(subjectOf(a), valueOf(a, a.predicted_value))),
      h('span', { class: 'muted' }, a.expected_at ? soon(a.expected_at, now) : ''))));
}

export const overview: View = {
  name: 'overview',
  key: 'o',
  render(c) {
    const servers = c.servers();
    const active = c.use<ActiveAlerts>('alerts', '/alerts/active', 'live');
    const alerts = active.data?.alerts ?? [];
    const incidents = c.use<Incidents>('fleet', '/api/v1/incidents?limit=1', 'live');
    const resolved = c.use<Page<PastAlert>>('over', '/api/v1/alerts?status=resolved&from=-1h&limit=100', 'live');
    const over = resolved.data?.items ?? [];
    const scores = c.use<Quality>('quality', '/api/v1/quality?from=-7d', 'slow');
    const quality = scores.data;
    if (!servers.data && servers.fault?.kind === 'unready') return empty(text.state.unready, text.state.unready_help);
    if (!answered(servers, active, incidents, resolved, scores, curves(c))) return h('section', { class: 'card', key: 'waiting' }, skeleton(14));
    const list = servers.data?.items ?? [];
    return [
      servers.data ? headline(c, list, incidents.data) : h('section', { class: 'headline', key: 'headline' }, skeleton(2)),
      h('section', { class: 'strip', key: 'chances', 'aria-labelledby': 'h-chances' }, h('h2', { id: 'h-chances' }, text.overview.probability), known(incidents, (data) => probabilities(data, quality), 3)),
      h('div', { class: 'columns', key: 'columns' },
        h('div', { class: 'column-wide' },
          card(text.overview.timeline, [tonight(c, alerts), h('p', { class: 'help' }, text.overview.timeline_help)], { id: 'tonight' }),
          card(text.overview.by_risk, servers.data ? riskTable(c, list, alerts) : known(servers, () => null, 10), { id: 'risk', aside: trends(list) })),
        h('div', { class: 'column-narrow' },
          card(text.overview.alerts, alerts.length ? alertList(alerts, c.now) : empty(text.alerts.none), { id: 'now-alerts', aside: h('a', { href: href('alerts') }, `${alerts.length}`) }),
          card(text.overview.changed, changeList(changes(list, alerts, over, c.now)), { id: 'changed' }),
          card(text.overview.freshness, dataFacts(c, list), { id: 'data' }),
          card(text.overview.states, stateCounts(list), { id: 'states' }),
          card(text.overview.distribution, distribution(list), { id: 'bins' }))),
    ];
  },
};
