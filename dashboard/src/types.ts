/* types.ts - the API's replies, as far as the page reads them (docs/API.md describes them whole). */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  total?: number;
}

export type Horizon = '30m' | '1h' | '2h' | '4h' | '8h';
export const HORIZONS: readonly Horizon[] = ['30m', '1h', '2h', '4h', '8h'];
export const HORIZON_MS: Record<Horizon, number> = { '30m': 1800e3, '1h': 3600e3, '2h': 7200e3, '4h': 14400e3, '8h': 28800e3 };
export type Probabilities = Record<Horizon, number>;

export interface Driver {
  kind: string; // current, forecast, incident, state
  part: number;
  metric?: string;
  when?: string;
}

export interface Risk {
  score: number;
  now: number;
  soon: number;
  band: string;
  priority: string;
  drivers: Driver[];
}

export interface Server {
  server_name: string;
  server_id: string;
  profile: string;
  state: string | null;
  state_since: string | null;
  first_seen: string | null;
  last_seen: string | null;
  records: number;
  history_steps: number;
  ready: boolean;
  stale: boolean;
  model_type: string | null;
  current: Record<string, number | null>;
  incident_probability: Probabilities | null;
  risk: Risk | null;
}

export interface Metric {
  name: string;
  legacy_name: string;
  unit: string;
  min: number;
  max: number;
  role: string;
}

export interface Contract {
  version: string;
  step_seconds: number;
  horizon_steps: number;
  metrics: Metric[];
  states: string[];
  profiles: string[];
}

export interface Forecasts {
  forecast_id: string;
  origin: string;
  finished_at: string;
  model: string;
  clock: string;
  step_seconds: number;
  timestamps: string[];
  items: { server_name: string; profile: string; model_type: string; metrics: Record<string, { unit: string; values: Record<string, number[]> }> }[];
}

export interface Incidents {
  origin: string;
  fleet: { any: Probabilities; expected: Probabilities };
  timestamps?: string[];
  total: number;
  items: { server_name: string; profile: string; state: string | null; in_incident: boolean; incident_probability: Probabilities; curve?: number[] }[];
}

export interface IncidentDetail {
  timestamps: string[];
  item: { server_name: string; curve: number[]; incident_probability: Probabilities };
}

export interface Alert {
  id: string;
  server: string | null; // null: about the fleet
  metric: string | null;
  metric_name: string | null; // null: about no metric
  unit: string; // '' where the value is a share: of incidents, of what lay inside a range
  severity: string;
  predicted_value: number | null;
  threshold: number | null;
  minutes_ahead: number | null;
  expected_at: string | null;
  since: string | null;
  current: number | null;
  probability: number | null;
  acknowledged: boolean;
  silenced: boolean;
  message: string;
}

export interface ActiveAlerts {
  timestamp: string;
  count: number;
  alerts: Alert[];
}

export interface Status {
  tick_count: number;
  window_size: number;
  warmup: { is_warmed_up: boolean; progress_percent: number; threshold: number; current_size: number; required_size: number; message: string };
  records_total: number;
  servers_tracked: number;
  servers_ready: number;
  servers_active: number;
  duplicates_total: number;
  rejected_total: number;
  late_total: number;
  version: string;
  uptime_s: number;
  started_at: string;
  draining: boolean;
  model: { name: string; type: string; contract_version: string } | null;
  last_forecast_at: string | null;
  forecast_age_s: number | null;
}

export interface Step {
  start: string;
  state: string | null;
  partial?: boolean;
  metrics: Record<string, { mean: number | null; min: number | null; max: number | null; count: number }>;
}

export interface Demo {
  available: boolean;
  scenario: string | null;
  affected_servers: string[];
  total_affected: number;
}

/* GET /heatmap: a value per server and step, `past` steps before now and `future` after. */
export interface Heat {
  metric: string;
  unit: string;
  first: string;
  step_seconds: number;
  past: number;
  future: number;
  items: { server_name: string; profile: string; values: (number | null)[] }[];
}
