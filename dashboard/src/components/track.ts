/* track.ts - how well one server has been forecast so far, from GET /quality?group_by=server. */
import { type VNode } from '../dom';
import { empty, card, fact, facts, faultState } from './ui';
import { count, number, percent } from '../format';
import { text } from '../text';
import { scoresOf, type Quality } from '../quality_data';
import type { Context } from '../views/view';

export function trackRecord(c: Context, name: string): VNode {
  const reply = c.use<Quality>('quality by server', '/api/v1/quality?group_by=server&from=-7d', 'slow');
  const scores = scoresOf(reply.data).find((s) => s.group === name);
  const body = scores
    ? facts(
        fact(text.quality.n, count(scores.n)),
        fact(text.quality.coverage, percent(scores.coverage)),
        fact(text.quality.skill, number(scores.skill), text.quality.skill_help),
        fact(text.quality.mae, number(scores.mae)))
    : reply.fault?.kind === 'absent' ? faultState(reply.fault) : empty(text.server.no_track);
  return card(text.server.track, body, { id: 'track' });
}
