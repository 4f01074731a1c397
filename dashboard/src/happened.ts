/* happened.ts - what happened to a server and what is planned for it: incidents, alerts, maintenance windows, in lists and on charts.
 *
 * Incidents come from the daemon's log of them (/history/incidents), which knows planned absences and how early somebody was
 * warned. A daemon without that log has its steps: a run of steps in a state that is an incident is one.
 */
import { query } from './api';
import type { Mark, Shade } from './components/chart';
import { percent, withUnit, words } from './format';
import { shadesOf } from './series';
import type { Known } from './store';
import { metricName } from './text';
import type { Alert, Page, Step } from './types';
import type { Context } from './views/view';

export interface PastIncident {
  server_name: string;
  state: string;
  start: string;
  end: string | null;
  planned: boolean;
  lead_time_s: number | null; // how long before it the first warning stood; null = nobody was warned in time
}

export interface PastAlert extends Alert {
  kind: string;
  status: string;
  starts_at: string;
  ends_at: string | null;
}

interface Planned {
  kind: string;
  matchers: Record<string, string>;
  windows?: { starts_at: string; ends_at: string }[]; // every one in the span that was asked for
}

export interface Happened {
  incidents: PastIncident[] | undefined; // newest first; undefined: not known (yet)
  alerts: PastAlert[];
  windows: Shade[]; // of maintenance: all that were, are and will be within the span and the forecast, in order
  shades: Shade[];
}

/* "ppweb*" as the daemon means it: * any text, ? any sign. Goes back to the last * only, so no pattern makes it slow. */
export function globMatches(glob: string, name: string): boolean {
  let g = 0;
  let n = 0;
  let star = -1; // of the last *
  let from = 0; // what it has taken ends here
  while (n < name.length) {
    if (glob[g] === '*') {
      star = g++;
      from = n;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[n])) {
      g++;
      n++;
    } else if (star >= 0) {
      g = star + 1;
      n = ++from;
    } else return false;
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

const seconds = (at: string): number => Date.parse(at) / 1000;

function windowsOf(list: Planned[], server: string, profile: string): Shade[] {
  const own = list.filter((w) => w.kind === 'maintenance' && (w.matchers['server'] === undefined || globMatches(w.matchers['server'], server)) && (w.matchers['profile'] === undefined || w.matchers['profile'] === profile));
  return own.flatMap((w) => (w.windows ?? []).map((at): Shade => ({ from: seconds(at.starts_at), to: seconds(at.ends_at), kind: 'maintenance' }))).sort((a, b) => a.from - b.from);
}

export function happenedTo(c: Context, server: string, profile: string, hours: number, steps: Step[] | undefined): Happened {
  const known: Known<Page<PastIncident>> = c.use(`incidents of ${server}`, '/api/v1/history/incidents' + query({ server, from: `-${hours}h`, limit: 1000 }), 'slow');
  const lives = c.use<Page<PastAlert>>(`alerts of ${server}`, '/api/v1/alerts' + query({ server, status: 'firing,pending,resolved', from: `-${hours}h`, limit: 200 }), 'slow').data?.items ?? [];
  const planned = c.use<Page<Planned>>('planned', '/api/v1/silences' + query({ from: `-${hours}h`, to: '+9h', limit: 1000 }), 'slow').data?.items ?? [];
  const windows = windowsOf(planned, server, profile);
  const told = known.data?.items.map((i): Shade => ({ from: seconds(i.start), to: i.end ? seconds(i.end) : c.now / 1000, kind: i.planned ? 'maintenance' : 'incident' }));
  const stepped = shadesOf(steps ?? [], c.contract?.step_seconds ?? 300);
  return {
    incidents: known.data && [...known.data.items].reverse(),
    alerts: lives,
    windows,
    shades: [...(told ?? stepped.filter((s) => s.kind === 'incident')), ...stepped.filter((s) => s.kind === 'maintenance'), ...windows],
  };
}

/* What an alert is about, in words, and its values with their unit: an incident's and a range's are shares. */
export const subjectOf = (a: Alert & { kind?: string }): string => (a.metric_name ? metricName(a.metric_name) : words(a.kind));
export const valueOf = (a: Alert & { kind?: string }, value: number | null): string => (a.unit ? withUnit(value, a.unit) : percent(value));

/* When each alert about a metric began, and when one that is open will come true. */
export function marksOf(alerts: PastAlert[], metric: string): Mark[] {
  return alerts.filter((a) => a.metric_name === metric).flatMap((a): Mark[] => [
    { at: seconds(a.starts_at), severity: a.severity, foreseen: false },
    ...(a.status !== 'resolved' && a.expected_at ? [{ at: seconds(a.expected_at), severity: a.severity, foreseen: true }] : []),
  ]);
}
