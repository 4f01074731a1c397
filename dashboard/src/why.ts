/* why.ts - a server's risk in words: the same drivers that made the score, as somebody would say them. */
import { metricName, text } from './text';
import { percent, soon, span, withUnit, words } from './format';
import type { Alert, Contract, Driver, Server } from './types';
import { unitOf } from './views/view';

function driverWords(driver: Driver, server: Server, alerts: Alert[], contract: Contract | undefined, now: number): string {
  const metric = driver.metric ?? '';
  const unit = unitOf(contract, metric);
  switch (driver.kind) {
    case 'current':
      return text.why.current(metricName(metric), withUnit(server.current[metric], unit));
    case 'forecast': {
      const alert = alerts.find((a) => a.server === server.server_name && a.metric_name === metric && a.predicted_value !== null);
      return alert
        ? text.why.forecast(metricName(metric), withUnit(alert.predicted_value, alert.unit), soon(alert.expected_at, now))
        : text.why.forecast_plain(metricName(metric), soon(driver.when, now));
    }
    case 'incident':
      return text.why.incident(percent(server.incident_probability?.['2h'] ?? driver.part / 100), soon(driver.when, now));
    case 'state':
      return text.why.state(words(server.state));
    default:
      return words(driver.kind);
  }
}

/* The strongest reasons, at most `n`; a metric is named once. */
export function reasons(server: Server, alerts: Alert[], contract: Contract | undefined, now: number, n = 2): string[] {
  if (server.stale && server.last_seen) return [text.why.silent(span((now - Date.parse(server.last_seen)) / 1000))];
  if (!server.risk) return [text.why.unknown];
  const named = new Set<string>();
  const out: string[] = [];
  for (const driver of [...server.risk.drivers].sort((a, b) => b.part - a.part)) {
    if (driver.part < 5 || out.length >= n) break;
    if (driver.metric && named.has(driver.metric)) continue;
    if (driver.metric) named.add(driver.metric);
    out.push(driverWords(driver, server, alerts, contract, now));
  }
  return out.length ? out : [text.why.none];
}

export const inIncident = (s: Server): boolean => s.state === 'critical_issue' || (s.state === 'offline' && !s.stale);
