/* heatmap.ts - the whole fleet at a glance: servers × the last and the next eight hours, or a tile per server. */
import { query } from '../api';
import { cssColor, isLight, scale } from '../colors';
import { h, type Child, type VNode } from '../dom';
import { clock, inOrder, number, percent, soon, words } from '../format';
import { go, serverHref, setParams } from '../router';
import { metricName, text } from '../text';
import type { Heat, Server } from '../types';
import { heatgrid, type Grid } from '../components/heatgrid';
import { table } from '../components/table';
import { empty, known, select, serverLink, tabs } from '../components/ui';
import { unitOf, type Context, type View } from './view';

const AHEAD = 6; // steps: 30 min

interface Row {
  name: string;
  profile: string;
  values: (number | null)[];
}

function ordered(heat: Heat, servers: Server[] | undefined, sort: string, profile: string): Row[] {
  const rows = heat.items.map((i) => ({ name: i.server_name, profile: i.profile, values: i.values })).filter((r) => !profile || r.profile === profile);
  const byName = (a: Row, b: Row): number => inOrder(a.name, b.name);
  const peak = new Map(rows.map((r) => [r.name, Math.max(-1, ...r.values.slice(heat.past).map((v) => v ?? -1))]));
  const risk = new Map(servers?.map((s) => [s.server_name, s.risk?.score ?? -1]));
  switch (sort) {
    case 'name': return rows.sort(byName);
    case 'max': return rows.sort((a, b) => peak.get(b.name)! - peak.get(a.name)! || byName(a, b));
    case 'profile': return rows.sort((a, b) => inOrder(a.profile, b.profile) || byName(a, b));
    default: return rows.sort((a, b) => (risk.get(b.name) ?? 0) - (risk.get(a.name) ?? 0) || byName(a, b));
  }
}

/* Values → 0 … 1: % and probabilities by their range, others by what is there (their 98th percentile is the top). */
function rangeOf(rows: Row[], unit: string): number {
  if (unit === '%') return 100;
  if (unit === 'p') return 1;
  const all = rows.flatMap((r) => r.values.filter((v, i): v is number => v !== null && i % 4 === 0)).sort((a, b) => a - b);
  return Math.max(1e-6, all[Math.floor(0.98 * (all.length - 1))] ?? 1);
}

const show = (v: number | null | undefined, unit: string): string => (v === null || v === undefined ? text.heatmap.missing : unit === 'p' ? percent(v) : `${number(v)} ${unit}`);

/* Where each profile begins, while rows are in the order of profiles. */
function groupsOf(rows: Row[], sort: string): Grid['groups'] {
  if (sort !== 'profile') return [];
  const sizes = new Map<string, number>();
  for (const r of rows) sizes.set(r.profile, (sizes.get(r.profile) ?? 0) + 1);
  let row = 0;
  return [...sizes].map(([profile, n]) => {
    row += n;
    return { row: row - n, label: text.heatmap.group(words(profile), n) };
  });
}

function toGrid(c: Context, heat: Heat, rows: Row[], top: number, unit: string, label: string, sort: string): Grid {
  const columns = heat.past + heat.future;
  const values = new Float32Array(rows.length * columns).fill(NaN);
  rows.forEach((r, i) => r.values.forEach((v, k) => {
    if (v !== null) values[i * columns + k] = v / top;
  }));
  const start = Date.parse(heat.first);
  const at = (k: number): number => start + k * heat.step_seconds * 1000;
  return {
    label: text.heatmap.label(rows.length, label), names: rows.map((r) => r.name), columns, past: heat.past, values, groups: groupsOf(rows, sort), dark: c.dark,
    columnLabel: (k) => (k === heat.past ? text.now : clock(at(k))),
    say: (r, k) => text.heatmap.at(rows[r]!.name, `${soon(at(k), c.now)} (${k < heat.past ? text.heatmap.past : text.heatmap.future})`, show(rows[r]!.values[k], unit)),
    open: (r) => go(serverHref(rows[r]!.name)),
  };
}

function statsOf(values: number[], unit: string): string {
  if (!values.length) return text.none;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length);
  return text.heatmap.stats(show(Math.min(...values), unit), show(mean, unit), show(Math.max(...values), unit), unit === 'p' ? percent(deviation) : number(deviation));
}

/* The largest value of the next half hour. */
const ahead = (r: Row, past: number): number | null => r.values.slice(past, past + AHEAD).reduce<number | null>((a, v) => (v !== null && (a === null || v > a) ? v : a), null);

function tiles(rows: Row[], heat: Heat, top: number, unit: string, dark: boolean): VNode {
  const colors = scale(dark);
  return h('ul', { class: 'tiles' }, rows.slice(0, 2000).map((r) => {
    const v = ahead(r, heat.past);
    const color = v === null ? undefined : colors[Math.max(0, Math.min(255, Math.round((255 * v) / top)))]!;
    return h('li', { key: r.name }, h('a', {
      class: `tile ${color === undefined ? 'tile-none' : isLight(color) ? 'tile-dark-ink' : 'tile-light-ink'}`, href: serverHref(r.name), title: `${r.name}: ${show(v, unit)}`, 'data-row': '',
      css: color === undefined ? {} : { 'background-color': cssColor(color) },
    }, h('bdi', { class: 'tile-name' }, r.name), h('span', null, show(v, unit))));
  }));
}

function asTable(c: Context, rows: Row[], heat: Heat, unit: string): VNode {
  const hour = Math.round(3600 / heat.step_seconds);
  const columns = Array.from({ length: (heat.past + heat.future) / hour }, (_, i) => i * hour);
  const start = Date.parse(heat.first);
  return table<Row>({
    id: 'heat', caption: text.heatmap.title, rows, rowKey: (r) => r.name, params: c.params, first: 50,
    columns: [
      { key: 'server', head: text.words.server, cell: (r) => serverLink(r.name), value: (r) => r.name },
      ...columns.map((k) => ({ key: String(k), head: clock(start + k * heat.step_seconds * 1000), number: true, cell: (r: Row) => (unit === 'p' ? percent(r.values[k]) : number(r.values[k])), value: (r: Row) => r.values[k] })),
    ],
  });
}

function legend(top: number, unit: string): VNode {
  return h('div', { class: 'legend', role: 'img', 'aria-label': `${text.heatmap.legend}: ${show(0, unit)} – ${show(top, unit)}` },
    h('span', null, show(0, unit)), h('span', { class: 'legend-bar' }, Array.from({ length: 10 }, (_, i) => h('i', { key: String(i), class: `heat heat-${i}` }))), h('span', null, show(top, unit)));
}

function draw(c: Context, heat: Heat, metric: string): Child {
  const unit = metric === 'incident' ? 'p' : unitOf(c.contract, metric);
  const label = metric === 'incident' ? text.heatmap.risk : metricName(metric);
  const servers = c.servers().data?.items;
  const sort = c.params['sort'] ?? 'risk';
  const profile = c.params['profile'] ?? '';
  const rows = c.memo.of('rows', [heat, sort === 'risk' ? servers : null, sort, profile], () => ordered(heat, servers, sort, profile));
  if (!rows.length) return empty(text.state.empty);
  const top = c.memo.of('top', [rows, unit], () => rangeOf(rows, unit));
  const mode = c.params['mode'] ?? 'time';
  const soonest = rows.map((r) => ahead(r, heat.past)).filter((v): v is number => v !== null);
  return [
    h('div', { class: 'heat-head', key: 'head' }, h('p', { class: 'muted' }, `${text.heatmap.stats_label}: ${statsOf(soonest, unit)}`), h('span', { class: 'grow' }), legend(top, unit)),
    mode === 'table' ? asTable(c, rows, heat, unit)
    : mode === 'tiles' ? c.memo.of('tiles', [rows, top, unit, c.dark], () => tiles(rows, heat, top, unit, c.dark))
    : heatgrid(c.memo.of('grid', [rows, top, c.dark, c.now > 0 ? clock(c.now) : ''], () => toGrid(c, heat, rows, top, unit, label, sort))),
    mode === 'time' ? h('p', { class: 'help', key: 'help' }, text.heatmap.help) : null,
  ];
}

export const heatmap: View = {
  name: 'heatmap',
  key: 'm',
  render(c) {
    const t = text.heatmap;
    const metrics = c.contract?.metrics ?? [];
    const metric = c.params['metric'] ?? 'incident';
    const quantile = c.params['q'] ?? '0.9';
    const heat = c.use<Heat>('heat', '/api/v1/heatmap' + query({ metric, quantile: metric === 'incident' ? undefined : quantile }), 'live');
    const profiles = [...new Set(heat.data?.items.map((i) => i.profile))].sort();
    return [
      h('div', { class: 'view-head', key: 'head' }, h('h1', null, t.title)),
      h('div', { class: 'controls', key: 'controls' },
        select(t.metric, metric, [['incident', t.risk], ...metrics.map((m): [string, string] => [m.name, metricName(m.name)])], (v) => setParams({ metric: v })),
        metric === 'incident' ? null : select(t.quantile, quantile, t.quantiles, (v) => setParams({ q: v })),
        select(t.sort, c.params['sort'] ?? 'risk', t.sorts, (v) => setParams({ sort: v })),
        select(t.filter, c.params['profile'] ?? '', [['', text.all], ...profiles.map((p): [string, string] => [p, words(p)])], (v) => setParams({ profile: v })),
        h('span', { class: 'grow' }),
        tabs(t.mode, c.params['mode'] ?? 'time', t.modes, (v) => setParams({ mode: v }))),
      h('section', { class: 'card heat-card', key: 'map' }, known(heat, (data) => draw(c, data, metric), 12)),
    ];
  },
};
