/* capacity.ts - who will be idle and who will run short, from the forecasts; and what a warning is worth by the reader's own
 * assumptions. */
import { query } from '../api';
import { h, type VNode } from '../dom';
import { clock, count, number, withUnit, words } from '../format';
import { setParams } from '../router';
import { metricName, text } from '../text';
import type { Forecasts } from '../types';
import { card, empty, known, serverLink } from '../components/ui';
import { table, type Column } from '../components/table';
import { incidentScores, type Quality } from '../quality_data';
import { levelsOf } from '../thresholds';
import type { Context, View } from './view';

interface Load {
  name: string;
  profile: string;
  cpu90: number | null;
  mem90: number | null;
  short: { metric: string; value: number; at: string } | null;
  idle: boolean;
}

const most = (values: number[] | undefined): number | null => (values?.length ? Math.max(...values) : null);

function loads(all: ReturnType<typeof levelsOf>, f: Forecasts): Load[] {
  return f.items.map((i) => {
    let short: Load['short'] = null;
    for (const metric of ['cpu_pct', 'mem_pct']) {
      const level = (all.profiles[i.profile]?.[metric] ?? all.levels[metric])?.[0] ?? 101;
      const p50 = i.metrics[metric]?.values['0.5'] ?? [];
      const at = p50.findIndex((v) => v >= level);
      if (at >= 0 && (!short || f.timestamps[at]! < short.at)) short = { metric, value: Math.max(...p50), at: f.timestamps[at]! };
    }
    const cpu90 = most(i.metrics['cpu_pct']?.values['0.9']);
    const mem90 = most(i.metrics['mem_pct']?.values['0.9']);
    return { name: i.server_name, profile: i.profile, cpu90, mem90, short, idle: cpu90 !== null && mem90 !== null && cpu90 < 20 && mem90 < 40 };
  });
}

const COMMON: Column<Load>[] = [
  { key: 'server', head: text.words.server, cell: (l) => serverLink(l.name), value: (l) => l.name },
  { key: 'profile', head: text.words.profile, narrow: true, cell: (l) => words(l.profile), value: (l) => l.profile },
];

function byProfile(c: Context, all: Load[]): VNode {
  const groups = [...new Set(all.map((l) => l.profile))].sort().map((profile) => {
    const of = all.filter((l) => l.profile === profile);
    const mean = (values: (number | null)[]): number => values.reduce<number>((a, v) => a + (v ?? 0), 0) / Math.max(1, values.length);
    return { profile, n: of.length, cpu: mean(of.map((l) => l.cpu90)), mem: mean(of.map((l) => l.mem90)) };
  });
  return card(text.capacity.by_profile, [h('p', { class: 'help' }, text.capacity.headroom_help), table({
    id: 'profiles', caption: text.capacity.by_profile, rows: groups, rowKey: (g) => g.profile, params: c.params,
    columns: [
      { key: 'profile', head: text.words.profile, cell: (g) => words(g.profile), value: (g) => g.profile },
      { key: 'n', head: text.top.count, number: true, cell: (g) => count(g.n), value: (g) => g.n },
      { key: 'cpu', head: `${metricName('cpu_pct')} ${text.capacity.headroom}`, number: true, cell: (g) => withUnit(100 - g.cpu, '%'), value: (g) => 100 - g.cpu },
      { key: 'mem', head: `${metricName('mem_pct')} ${text.capacity.headroom}`, number: true, cell: (g) => withUnit(100 - g.mem, '%'), value: (g) => 100 - g.mem },
    ],
  })], { id: 'profiles' });
}

function calculator(c: Context, idle: number): VNode {
  const t = text.capacity;
  const measured = incidentScores(c.use<Quality>('quality', '/api/v1/quality?from=-7d', 'slow').data);
  const of = (name: string, standard: number): number => {
    const n = Number(c.params[name] ?? standard);
    return Number.isFinite(n) && n >= 0 ? n : standard;
  };
  const recall = of('recall', measured?.recall !== undefined ? Math.round(100 * measured.recall) : 50) / 100;
  const precision = Math.max(0.01, of('precision', measured?.precision !== undefined ? Math.round(100 * measured.precision) : 50) / 100);
  const warned = of('incidents', 10) * recall;
  const saved = warned * of('cost', 1000) * (of('avoided', 50) / 100);
  const false_cost = warned * (1 / precision - 1) * of('false', 50);
  const idle_saved = idle * of('server', 100);
  const field = (label: string, name: string, standard: number): VNode =>
    h('label', { class: 'field', key: name }, h('span', { class: 'field-label' }, label), h('input', { type: 'number', min: '0', prop: { value: String(of(name, standard)) }, on: { change: (e: Event) => setParams({ [name]: (e.target as HTMLInputElement).value }) } }));
  const sum = (label: string, value: number): VNode => h('div', { key: label }, h('p', { class: 'muted' }, label), h('p', { class: 'sum' }, number(value)));
  return card(t.calculator, [
    h('p', { class: 'help' }, t.calculator_lead),
    h('div', { class: 'form' }, field(t.incidents_month, 'incidents', 10), field(t.cost_incident, 'cost', 1000), field(t.share_avoided, 'avoided', 50), field(t.cost_false, 'false', 50), field(t.cost_server, 'server', 100),
      field(`${t.recall} (${measured ? t.measured : t.assumed})`, 'recall', Math.round(100 * recall)), field(`${t.precision} (${measured ? t.measured : t.assumed})`, 'precision', Math.round(100 * precision))),
    h('div', { class: 'sums' }, sum(t.saved, saved), sum(t.false_cost, false_cost), sum(t.net, saved - false_cost), sum(t.idle_saved(idle), idle_saved)),
  ], { id: 'calculator' });
}

export const capacity: View = {
  name: 'capacity',
  key: 'c',
  render(c) {
    const t = text.capacity;
    const reply = c.use<Forecasts>('capacity', '/api/v1/forecasts' + query({ metrics: 'cpu_pct,mem_pct', quantiles: '0.5,0.9', limit: 10000 }), 'slow');
    return [
      h('h1', { key: 'h' }, t.title), h('p', { class: 'lead', key: 'lead' }, t.lead),
      known(reply, (f) => {
        const levels = levelsOf(c);
        const all = c.memo.of('loads', [f, JSON.stringify(levels)], () => loads(levels, f));
        const idle = all.filter((l) => l.idle);
        const short = all.filter((l) => l.short);
        return [
          h('div', { class: 'cards', key: 'cards' },
            card(t.overloaded, [h('p', { class: 'help' }, t.overloaded_rule), short.length ? table<Load>({ id: 'short', caption: t.overloaded, rows: short, rowKey: (l) => l.name, params: c.params, sort: 'when,asc',
              columns: [...COMMON, { key: 'when', head: t.when, cell: (l) => clock(l.short?.at), value: (l) => l.short?.at },
                { key: 'peak', head: t.median_peak, number: true, cell: (l) => `${metricName(l.short?.metric ?? '')} ${withUnit(l.short?.value, '%')}`, value: (l) => l.short?.value }] }) : empty(t.none_overloaded)], { id: 'short' }),
            card(t.idle, [h('p', { class: 'help' }, t.idle_rule), idle.length ? table<Load>({ id: 'idle', caption: t.idle, rows: idle, rowKey: (l) => l.name, params: c.params, sort: 'cpu,asc',
              columns: [...COMMON, { key: 'cpu', head: t.peak_cpu, number: true, cell: (l) => withUnit(l.cpu90, '%'), value: (l) => l.cpu90 }, { key: 'mem', head: t.peak_mem, number: true, cell: (l) => withUnit(l.mem90, '%'), value: (l) => l.mem90 }] }) : empty(t.none_idle)], { id: 'idle' }),
            byProfile(c, all)),
          calculator(c, idle.length),
        ];
      }, 12),
    ];
  },
};
