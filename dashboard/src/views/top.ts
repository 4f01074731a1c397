/* top.ts - the worst servers side by side: gauge, reason, now and in 30 minutes, the metric that drives the risk as a fan. */
import { h, type Child, type VNode } from '../dom';
import { number, percent, withUnit, words } from '../format';
import { setParams } from '../router';
import { joined, shadesOf } from '../series';
import { levelsOf, thresholdLines } from '../thresholds';
import { metricName, text } from '../text';
import type { ActiveAlerts, Forecasts, Server } from '../types';
import { chart, chartKey } from '../components/chart';
import { table } from '../components/table';
import { card, chance, empty, known, priorityChip, riskBar, select, serverLink, stateLabel } from '../components/ui';
import { reasons } from '../why';
import { stepsOf } from './server';
import { unitOf, type Context, type View } from './view';

function gauge(score: number): VNode {
  const length = Math.PI * 36;
  const level = score >= 70 ? 'high' : score >= 50 ? 'mid' : 'low';
  const arc = 'M10 46 A36 36 0 0 1 82 46';
  return h('svg', { class: 'gauge', viewBox: '0 0 92 56', role: 'img', 'aria-label': `${text.words.risk} ${Math.round(score)} / 100` },
    h('path', { class: 'gauge-back', d: arc }),
    h('path', { class: `gauge-fill gauge-${level}`, d: arc, 'stroke-dasharray': `${((length * score) / 100).toFixed(1)} ${length.toFixed(1)}` }),
    h('text', { class: 'gauge-text', x: '46', y: '47' }, String(Math.round(score))));
}

const driving = (s: Server, first: string): string => [...(s.risk?.drivers ?? [])].sort((a, b) => b.part - a.part).find((d) => d.metric)?.metric ?? first;

function one(c: Context, s: Server, alerts: ActiveAlerts['alerts']): VNode {
  const metric = driving(s, c.contract?.metrics[0]?.name ?? 'cpu_pct');
  const forecast = c.use<Forecasts>(`forecast ${s.server_name}`, '/api/v1/forecasts/' + encodeURIComponent(s.server_name), 'live').data;
  const { steps } = stepsOf(c, s.server_name, 12);
  const thresholds = thresholdLines(levelsOf(c), s.profile, metric, alerts.filter((a) => a.server === s.server_name));
  const data = c.memo.of(s.server_name, [metric, forecast, steps, c.dark, c.contract, JSON.stringify(thresholds)], () =>
    joined({ server: s.server_name, metric, contract: c.contract, steps: steps ?? [], forecast, hours: 4, compareDays: 0, said: undefined, alerts, thresholds, shades: shadesOf(steps ?? [], c.contract?.step_seconds ?? 300), height: 140, now: c.now, dark: c.dark }));
  const values = forecast?.items[0]?.metrics;
  return h('section', { class: 'card top-card', key: s.server_name },
    h('div', { class: 'top-head' }, gauge(s.risk?.score ?? 0),
      h('div', null, h('h2', null, serverLink(s.server_name)), h('p', null, stateLabel(s.state, s.stale), h('span', { class: 'muted' }, ` · ${words(s.profile)}`))),
      h('div', { class: 'grow' }, priorityChip(s.risk?.priority), ' ', h('span', { class: 'muted' }, `${text.words.p8} `), h('b', null, percent(s.incident_probability?.['8h'])))),
    h('p', { class: 'why' }, reasons(s, alerts, c.contract, c.now, 3).join('; ')),
    h('h3', null, metricName(metric), h('span', { class: 'unit' }, ` ${unitOf(c.contract, metric)}`)),
    chart(s.server_name, data),
    h('dl', { class: 'facts' }, (c.contract?.metrics ?? []).map((m) => h('div', { class: 'fact', key: m.name }, h('dt', null, metricName(m.name)),
      h('dd', null, withUnit(s.current[m.name], m.unit), h('span', { class: 'then' }, ` → ${number(values?.[m.name]?.values['0.5']?.[5])} ${text.words.in30.toLowerCase()}`))))));
}

function all(c: Context, servers: Server[], alerts: ActiveAlerts['alerts']): VNode {
  const w = text.words;
  return card(text.overview.all_servers, table<Server>({
    id: 'all', caption: text.overview.all_servers, rows: servers, rowKey: (s) => s.server_name, rowClass: (s) => (s.stale ? 'stale' : ''), params: c.params, first: 50, sort: 'risk,desc',
    columns: [
      { key: 'priority', bare: true, head: text.words.priority, cell: (s) => priorityChip(s.risk?.priority), value: (s) => s.risk?.priority },
      { key: 'server', head: w.server, cell: (s) => serverLink(s.server_name), value: (s) => s.server_name },
      { key: 'profile', head: w.profile, narrow: true, cell: (s) => words(s.profile), value: (s) => s.profile },
      { key: 'state', head: w.state, narrow: true, cell: (s) => stateLabel(s.state, s.stale), value: (s) => s.state },
      { key: 'risk', head: w.risk, number: true, cell: (s) => riskBar(s.risk?.score), value: (s) => s.risk?.score },
      { key: 'p2', head: w.p2, number: true, narrow: true, cell: (s) => chance(s.incident_probability?.['2h']), value: (s) => s.incident_probability?.['2h'] },
      { key: 'p8', head: w.p8, number: true, cell: (s) => chance(s.incident_probability?.['8h']), value: (s) => s.incident_probability?.['8h'] },
      { key: 'why', head: w.reason, cell: (s) => h('span', { class: 'why' }, reasons(s, alerts, c.contract, c.now, 1)[0]), value: (s) => reasons(s, alerts, c.contract, c.now, 1)[0] },
      ...(c.contract?.metrics ?? []).map((m) => ({ key: m.name, head: metricName(m.name), number: true, narrow: true, cell: (s: Server) => withUnit(s.current[m.name], m.unit), value: (s: Server) => s.current[m.name] })),
      { key: 'model', head: w.model, narrow: true, cell: (s) => (s.model_type === 'TFT' ? w.by_network : s.model_type ? w.by_heuristic : text.none), value: (s) => s.model_type },
    ],
  }), { id: 'all' });
}

export const top: View = {
  name: 'top',
  key: 't',
  render(c) {
    const alerts = c.use<ActiveAlerts>('alerts', '/alerts/active', 'live').data?.alerts ?? [];
    const n = Math.max(1, Math.min(20, Number(c.params['n']) || 5));
    return [
      h('div', { class: 'view-head', key: 'head' }, h('h1', null, text.top.title)),
      h('div', { class: 'controls', key: 'controls' }, select(text.top.count, String(n), { '3': '3', '5': '5', '10': '10', '20': '20' }, (v) => setParams({ n: v })), h('span', { class: 'grow' }),
        chartKey([['measured', text.server.measured], ['median', text.server.median], ['band-3', text.server.band50], ['band-2', text.server.band80], ['band-1', text.server.band96]])),
      known(c.servers(), (data): Child => (data.items.length
        ? [h('div', { class: 'cards cards-wide', key: 'top' }, data.items.slice(0, n).map((s) => one(c, s, alerts))), all(c, data.items, alerts)]
        : empty(text.top.none)), 12),
    ];
  },
};
