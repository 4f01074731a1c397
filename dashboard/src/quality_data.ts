/* quality_data.ts - GET /quality as the page reads it: rows of sums become rows of tables, and bins of several rows are added up. */
import type { Horizon } from './types';

export interface Bin {
  from: number;
  to: number;
  n: number;
  said: number;
  came: number;
}

interface Item {
  metric: string;
  server_name?: string;
  profile?: string;
  model?: string;
  horizon?: { from_minutes: number; to_minutes: number };
  n: number;
  mae: number | null;
  crps: number | null;
  coverage_p10_p90: number | null;
  width: number | null;
  skill: number | null;
  baselines: Record<string, { crps: number | null }>;
}

interface Incident {
  horizon: Horizon;
  n: number;
  brier: number | null;
  brier_skill: number | null;
  levels: { level: number; precision: number | null; recall: number | null }[];
  reliability: { from: number; to: number; n: number; said: number | null; came: number | null }[];
}

export interface Quality {
  scored_to?: string | null;
  items?: Item[];
  incidents?: Incident[];
}

/* What the reliability table says about probabilities like this one; undefined without enough of them. */
export function reliabilityNear(quality: Quality | undefined, horizon: Horizon, p: number): { said: number; came: number } | undefined {
  const bin = reliabilityOf(quality, horizon).find((b) => p >= b.from && p <= b.to);
  return bin && bin.n >= 10 ? { said: bin.said, came: bin.came } : undefined;
}

export function reliabilityOf(quality: Quality | undefined, horizon: Horizon): Bin[] {
  const bins: Bin[] = [];
  for (const row of (quality?.incidents ?? []).filter((i) => i.horizon === horizon)) {
    row.reliability.forEach((b, k) => {
      const into = (bins[k] ??= { from: b.from, to: b.to, n: 0, said: 0, came: 0 });
      into.n += b.n;
      into.said += b.n * (b.said ?? 0);
      into.came += b.n * (b.came ?? 0);
    });
  }
  return bins.map((b) => (b.n > 0 ? { ...b, said: b.said / b.n, came: b.came / b.n } : b));
}

export interface Scores {
  group: string;
  metric: string;
  of: string; // server, profile, model or part of the horizon; '' = all
  n: number;
  mae: number | null;
  crps: number | null;
  coverage: number | null;
  width: number | null;
  skill: number | null;
  baselines: Record<string, number | null>; // crps by name
}

const hours = (minutes: number): string => (minutes % 60 === 0 && minutes > 0 ? `${minutes / 60} h` : `${minutes} min`);

export function scoresOf(quality: Quality | undefined): Scores[] {
  return (quality?.items ?? []).map((i) => {
    const of = i.horizon ? `${hours(i.horizon.from_minutes)} – ${hours(i.horizon.to_minutes)}` : (i.server_name ?? i.profile ?? i.model ?? '');
    return {
      group: `${i.metric} ${of}`, metric: i.metric, of, n: i.n, mae: i.mae, crps: i.crps, coverage: i.coverage_p10_p90, width: i.width, skill: i.skill,
      baselines: Object.fromEntries(Object.entries(i.baselines).map(([name, b]) => [name, b.crps])),
    };
  });
}

export interface IncidentScores {
  brier: number | null;
  brier_skill: number | null;
  precision: number | undefined;
  recall: number | undefined;
}

/* At two hours and the warning level, where there is one row of them. */
export function incidentScores(quality: Quality | undefined, horizon: Horizon = '2h'): IncidentScores | undefined {
  const rows = (quality?.incidents ?? []).filter((i) => i.horizon === horizon);
  const one = rows.length === 1 ? rows[0] : undefined;
  return one && { brier: one.brier, brier_skill: one.brier_skill, precision: one.levels[0]?.precision ?? undefined, recall: one.levels[0]?.recall ?? undefined };
}
