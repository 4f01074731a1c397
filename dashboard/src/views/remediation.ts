/* remediation.ts - what one would do about it, by rule: profile and driving metric → a suggestion. Nothing is ever executed. */
import { h, type VNode } from '../dom';
import { span, words } from '../format';
import { text } from '../text';
import { prefs } from '../prefs';
import type { ActiveAlerts, Driver, Server } from '../types';
import { empty, known, priorityChip, serverLink } from '../components/ui';
import { table } from '../components/table';
import { inIncident, reasons } from '../why';
import type { Context, View } from './view';

const SHOWN_FROM = 50;

const drivers = (s: Server): Driver[] => [...(s.risk?.drivers ?? [])].sort((a, b) => b.part - a.part);
const metricOf = (s: Server): string | undefined => drivers(s).find((d) => d.metric)?.metric;

export function suggestion(s: Server): string {
  const t = text.remediation.actions;
  const metric = metricOf(s);
  return (metric && (t[`${s.profile}.${metric}`] ?? t[metric])) || t[drivers(s)[0]?.kind ?? 'state'] || t['state']!;
}

/* The site's own page where an address is kept (Settings), else the guide that is built in. */
function runbook(s: Server): VNode {
  const filled = prefs.runbook.replaceAll('{profile}', encodeURIComponent(s.profile)).replaceAll('{metric}', encodeURIComponent(metricOf(s) ?? 'state')).replaceAll('{server}', encodeURIComponent(s.server_name));
  return prefs.runbook ? h('a', { href: filled, rel: 'noreferrer', target: '_blank' }, words(s.profile)) : h('a', { href: '#/docs/operations' }, words(s.profile));
}

function left(c: Context, s: Server, alerts: ActiveAlerts['alerts']): number {
  if (inIncident(s)) return 0;
  const at = alerts.filter((a) => a.server === s.server_name && a.expected_at).map((a) => Date.parse(a.expected_at!));
  return at.length ? Math.max(0, (Math.min(...at) - c.now) / 1000) : Infinity;
}

export const remediation: View = {
  name: 'remediation',
  key: 'r',
  render(c) {
    const t = text.remediation;
    const alerts = c.use<ActiveAlerts>('alerts', '/alerts/active', 'live').data?.alerts ?? [];
    return [
      h('h1', { key: 'h' }, t.title), h('p', { class: 'lead', key: 'lead' }, t.lead),
      h('section', { class: 'card', key: 'list' }, known(c.servers(), (data) => {
        const rows = data.items.filter((s) => (s.risk?.score ?? 0) >= SHOWN_FROM);
        if (!rows.length) return empty(t.none, t.none_help);
        return table<Server>({
          id: 'todo', caption: t.title, rows, rowKey: (s) => s.server_name, params: c.params, first: 50,
          columns: [
            { key: 'priority', bare: true, head: text.words.priority, cell: (s) => priorityChip(s.risk?.priority), value: (s) => s.risk?.priority },
            { key: 'server', head: text.words.server, cell: (s) => [serverLink(s.server_name), h('span', { class: 'sub' }, words(s.profile))], value: (s) => s.server_name },
            { key: 'why', head: t.because, cell: (s) => h('span', { class: 'why' }, reasons(s, alerts, c.contract, c.now).join('; ')), value: (s) => reasons(s, alerts, c.contract, c.now).join('; ') },
            { key: 'action', head: t.action, cell: (s) => suggestion(s), value: suggestion },
            { key: 'left', head: t.urgency, number: true, cell: (s) => { const l = left(c, s, alerts); return l === 0 ? t.now : Number.isFinite(l) ? span(l) : text.none; }, value: (s) => left(c, s, alerts) },
            { key: 'runbook', head: t.runbook, narrow: true, cell: runbook, value: (s) => s.profile },
          ],
        });
      }, 8)),
    ];
  },
};
