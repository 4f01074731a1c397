/* series.ts - steps of the past and quantiles of the future on one axis. */
import type { Band, ChartData, Line, Mark, Shade, Threshold } from './components/chart';
import type { Alert, Contract, Forecasts, Step } from './types';
import { metricName, text } from './text';

export interface Inputs {
  server: string;
  metric: string;
  contract: Contract | undefined;
  steps: Step[]; // oldest first
  forecast: Forecasts | undefined;
  hours: number; // of the past
  compareDays: number; // 0 = nothing
  said: { timestamps: string[]; values: Record<string, number[]> } | undefined; // a past forecast
  alerts: Alert[];
  thresholds: Threshold[];
  shades: Shade[];
  marks?: Mark[];
  height: number;
  now: number;
  dark: boolean;
}

const seconds = (stamp: string): number => Date.parse(stamp) / 1000;

const BANDS: [string, string, 1 | 2 | 3][] = [['0.02', '0.98', 1], ['0.1', '0.9', 2], ['0.25', '0.75', 3]];

export function joined(d: Inputs): ChartData {
  const step = d.contract?.step_seconds ?? 300;
  const spec = d.contract?.metrics.find((m) => m.name === d.metric);
  const values = d.forecast?.items.find((i) => i.server_name === d.server)?.metrics[d.metric]?.values;
  const future = values ? (d.forecast?.timestamps ?? []) : [];
  const measured = new Map<number, number | null>();
  for (const s of d.steps) measured.set(seconds(s.start), s.metrics[d.metric]?.mean ?? null);
  const last = future.length ? seconds(future[0]!) - step : Math.floor(d.now / 1000 / step) * step;
  const first = last - Math.round((d.hours * 3600) / step) * step;
  const n_future = future.length;
  const times: number[] = [];
  for (let t = first; t <= last + n_future * step; t += step) times.push(t);
  const n_past = times.length - n_future;
  const ahead = (list: number[] | undefined): (number | null)[] => times.map((_, i) => (i < n_past ? null : (list?.[i - n_past] ?? null)));

  const lines: Line[] = [];
  const bands: Band[] = [];
  if (values) {
    for (const [low, high, level] of BANDS) {
      const label = level === 1 ? text.server.band96 : level === 2 ? text.server.band80 : text.server.band50;
      if (values[low] && values[high]) bands.push({ label, level, low: ahead(values[low]), high: ahead(values[high]) });
    }
  }
  if (d.said) {
    const at = new Map(d.said.timestamps.map((t, i) => [seconds(t), i]));
    const of = (q: string): (number | null)[] => times.map((t) => (at.has(t) ? (d.said!.values[q]?.[at.get(t)!] ?? null) : null));
    if (d.said.values['0.1'] && d.said.values['0.9']) bands.push({ label: `${text.server.said} ${text.server.band80}`, level: 1, said: true, low: of('0.1'), high: of('0.9') });
    lines.push({ label: text.server.said, style: 'said', values: of('0.5') });
  }
  if (d.compareDays > 0) {
    const back = d.compareDays * 86400;
    lines.push({ label: d.compareDays === 1 ? text.server.yesterday : text.server.week, style: 'compare', values: times.map((t) => measured.get(t - back) ?? null) });
  }
  if (values?.['0.5']) lines.push({ label: text.server.median, style: 'median', values: ahead(values['0.5']) });
  lines.push({ label: text.server.measured, style: 'measured', values: times.map((t) => measured.get(t) ?? null) });
  return {
    label: text.server.chart_label(metricName(d.metric), d.server),
    unit: spec?.unit ?? '',
    times,
    now: Math.min(d.now / 1000, last + step),
    lines,
    bands,
    thresholds: d.thresholds,
    shades: d.shades,
    ...(d.marks ? { marks: d.marks } : {}),
    height: d.height,
    min: 0,
    ...(spec?.unit === '%' ? { max: 100 } : {}),
    sync: 'time',
    dark: d.dark,
  };
}

/* Runs of steps in a state that is an incident, and in maintenance. */
export function shadesOf(steps: Step[], step: number): Shade[] {
  const kind = (s: Step): Shade['kind'] | null => (s.state === 'critical_issue' || s.state === 'offline' ? 'incident' : s.state === 'maintenance' ? 'maintenance' : null);
  const out: Shade[] = [];
  for (const s of steps) {
    const k = kind(s);
    if (!k) continue;
    const from = seconds(s.start);
    const before = out.at(-1);
    if (before && before.kind === k && before.to === from) before.to = from + step;
    else out.push({ from, to: from + step, kind: k });
  }
  return out;
}
