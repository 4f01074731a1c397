/* quality_data.ts - GET /quality as the page reads it. */
import type { Horizon } from './types';

export interface Bin {
  from: number;
  to: number;
  n: number;
  said: number;
  came: number;
}

export interface Quality {
  [field: string]: unknown;
}

/* What the reliability table says about probabilities like this one; undefined without enough of them. */
export function reliabilityNear(quality: Quality | undefined, horizon: Horizon, p: number): { said: number; came: number } | undefined {
  const bin = reliabilityOf(quality, horizon).find((b) => p >= b.from && p <= b.to);
  return bin && bin.n >= 10 ? { said: bin.said, came: bin.came } : undefined;
}

export function reliabilityOf(_quality: Quality | undefined, _horizon: Horizon): Bin[] {
  return [];
}

export interface Scores {
  group: string;
  n: number;
  mae: number | null;
  crps: number | null;
  coverage: number | null;
  width: number | null;
  skill: number | null;
  baselines: Record<string, number>; // crps by name
}

export function scoresOf(_quality: Quality | undefined): Scores[] {
  return [];
}

export interface IncidentScores {
  brier: number | null;
  brier_skill: number | null;
  precision: number | undefined;
  recall: number | undefined;
}
export function incidentScores(_quality: Quality | undefined): IncidentScores | undefined {
  return undefined;
}
