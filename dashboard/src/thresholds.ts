/* thresholds.ts - the levels drawn on charts: the reader's own, else what alerts compare with (the daemon's settings), else what alerts say. */
import type { Threshold } from './components/chart';
import type { Alert } from './types';
import { text } from './text';
import { number } from './format';
import { prefs } from './prefs';
import type { Context } from './views/view';

export type Levels = Record<string, [number, number]>;

interface ConfigItem {
  key?: string;
  name?: string;
  value: unknown;
}

/* CONTRACT's defaults: warning, critical. */
const DEFAULTS: Levels = { cpu_pct: [75, 90], mem_pct: [80, 93], latency_ms: [100, 200] };
const DEFAULTS_BY_PROFILE: Record<string, Levels> = { database: { mem_pct: [95, 99] } };

export function readLevels(config: unknown): { levels: Levels; profiles: Record<string, Levels> } {
  const levels: Levels = { ...DEFAULTS };
  const profiles: Record<string, Levels> = { database: { ...DEFAULTS_BY_PROFILE['database'] } };
  const items = (config as { items?: ConfigItem[] } | undefined)?.items;
  for (const item of Array.isArray(items) ? items : []) {
    const name = item.key ?? item.name ?? '';
    const pair = Array.isArray(item.value) ? item.value.map(Number) : [];
    if (pair.length !== 2 || pair.some(Number.isNaN)) continue;
    const own = /^alerts\.thresholds\.(.+)$/.exec(name);
    const profile = /^alerts\.profiles\.([^.]+)\.(.+)$/.exec(name);
    if (own) levels[own[1]!] = [pair[0]!, pair[1]!];
    else if (profile) (profiles[profile[1]!] ??= {})[profile[2]!] = [pair[0]!, pair[1]!];
  }
  return { levels, profiles };
}

export const levelsOf = (c: Context): ReturnType<typeof readLevels> => readLevels(c.use('config', '/api/v1/config', 'slow').data);

export function thresholdLines(all: ReturnType<typeof readLevels>, profile: string, metric: string, alerts: Alert[]): Threshold[] {
  const own = prefs.levels[metric];
  const pair = own ?? all.profiles[profile]?.[metric] ?? all.levels[metric];
  const whose = own ? `${text.server.own} ` : '';
  if (pair) return [
    { label: `${whose}${text.server.warning} ${number(pair[0])}`, value: pair[0], severity: 'warning' },
    { label: `${whose}${text.server.critical} ${number(pair[1])}`, value: pair[1], severity: 'critical' },
  ];
  return alerts.filter((a) => a.metric_name === metric && a.threshold !== null).map((a) => ({
    label: `${a.severity} ${number(a.threshold)}`, value: a.threshold!, severity: a.severity === 'critical' ? 'critical' : 'warning',
  }));
}
