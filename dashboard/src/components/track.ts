/* track.ts - how well one server has been forecast so far, metric by metric, from GET /quality?group_by=server. */
import { type VNode } from '../dom';
import { card, empty, faultState } from './ui';
import { table } from './table';
import { count, number, percent } from '../format';
import { metricName, text } from '../text';
import { scoresOf, type Quality, type Scores } from '../quality_data';
import type { Context } from '../views/view';

export function trackRecord(c: Context, name: string): VNode {
  const t = text.quality;
  const reply = c.use<Quality>('quality by server', '/api/v1/quality?group_by=server&from=-7d', 'slow');
  const rows = scoresOf(reply.data).filter((s) => s.of === name && s.n > 0);
  const body = rows.length
    ? table<Scores>({
        id: 'track', caption: text.server.track, rows, rowKey: (s) => s.metric, params: c.params, note: `${t.n}: ${count(rows[0]!.n)}`,
        columns: [
          { key: 'metric', head: text.words.metric, cell: (s) => metricName(s.metric), value: (s) => s.metric },
          { key: 'coverage', head: t.coverage, number: true, title: t.coverage_help, cell: (s) => percent(s.coverage), value: (s) => s.coverage },
          { key: 'skill', head: t.skill, number: true, title: t.skill_help, cell: (s) => number(s.skill), value: (s) => s.skill },
          { key: 'mae', head: t.mae, number: true, cell: (s) => number(s.mae), value: (s) => s.mae },
        ],
      })
    : reply.fault?.kind === 'absent' ? faultState(reply.fault) : empty(text.server.no_track);
  return card(text.server.track, body, { id: 'track' });
}
