/* quality.ts - how good the forecasts were: coverage, reliability, CRPS beside simple methods. */
import { query } from '../api';
import { h, type Child, type VNode } from '../dom';
import { count, number, percent, words } from '../format';
import { setParams } from '../router';
import { metricName, text } from '../text';
import { HORIZONS, type Horizon } from '../types';
import { incidentScores, reliabilityOf, scoresOf, type Quality, type Scores } from '../quality_data';
import { card, chip, empty, fact, facts, faultState, known, select } from '../components/ui';
import { table } from '../components/table';
import type { Context, View } from './view';

const SIZE = 260;
const EDGE = 34;

/* What was said against what came, as a picture and as a table. */
function reliability(c: Context, quality: Quality, horizon: Horizon): VNode {
  const t = text.quality;
  const bins = reliabilityOf(quality, horizon).filter((b) => b.n > 0);
  const x = (p: number): number => EDGE + p * SIZE;
  const y = (p: number): number => 10 + (1 - p) * SIZE;
  const body: Child = bins.length ? [
    h('svg', { class: 'reliability', viewBox: `0 0 ${SIZE + EDGE + 10} ${SIZE + 40}`, role: 'img', 'aria-label': t.reliability },
      h('rect', { class: 'rel-frame', x: EDGE, y: 10, width: SIZE, height: SIZE }),
      h('line', { class: 'rel-diagonal', x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
      h('polyline', { class: 'rel-line', points: bins.map((b) => `${x(b.said).toFixed(1)},${y(b.came).toFixed(1)}`).join(' ') }),
      bins.map((b, i) => h('circle', { key: String(i), class: 'rel-point', cx: x(b.said), cy: y(b.came), r: Math.min(9, 3 + Math.log10(b.n) * 1.5) })),
      h('text', { x: EDGE, y: SIZE + 28 }, `0  ${t.said} →  100%`), h('text', { x: 0, y: 20 }, '100%'), h('text', { x: 0, y: SIZE + 8 }, t.came)),
    table({ id: 'bins', caption: t.reliability, rows: bins, rowKey: (b) => String(b.from), params: c.params, columns: [
      { key: 'said', head: t.said, number: true, cell: (b) => percent(b.said), value: (b) => b.said }, { key: 'came', head: t.came, number: true, cell: (b) => percent(b.came), value: (b) => b.came },
      { key: 'n', head: t.n, number: true, cell: (b) => count(b.n), value: (b) => b.n }] }),
  ] : empty(t.no_points);
  return card(t.reliability, [h('p', { class: 'help' }, t.reliability_help), select(t.by, horizon, Object.fromEntries(HORIZONS.map((n) => [n, n])), (v) => setParams({ horizon: v })), body], { id: 'reliability' });
}

function scores(c: Context, quality: Quality): VNode {
  const t = text.quality;
  const rows = scoresOf(quality);
  const baselines = [...new Set(rows.flatMap((r) => Object.keys(r.baselines)))];
  return card(t.baselines, [h('p', { class: 'help' }, t.coverage_help), rows.length ? table<Scores>({
    id: 'scores', caption: t.baselines, rows, rowKey: (r) => r.group, params: c.params, first: 50,
    columns: [
      { key: 'group', bare: true, head: text.words.metric, cell: (r) => metricName(r.metric), value: (r) => r.metric },
      ...(rows.some((r) => r.of) ? [{ key: 'of', head: t.by, cell: (r: Scores) => h('bdi', null, words(r.of)), value: (r: Scores) => r.of }] : []),
      { key: 'n', head: t.n, number: true, cell: (r) => count(r.n), value: (r) => r.n },
      { key: 'coverage', head: t.coverage, number: true, cell: (r) => percent(r.coverage), value: (r) => r.coverage },
      { key: 'crps', head: t.crps, number: true, cell: (r) => number(r.crps), value: (r) => r.crps },
      { key: 'skill', head: t.skill, number: true, title: t.skill_help, cell: (r) => number(r.skill), value: (r) => r.skill },
      { key: 'mae', head: t.mae, number: true, narrow: true, cell: (r) => number(r.mae), value: (r) => r.mae },
      { key: 'width', head: t.width, number: true, narrow: true, cell: (r) => number(r.width), value: (r) => r.width },
      ...baselines.map((b) => ({ key: b, head: t.crps_of(words(b)), number: true, narrow: true, cell: (r: Scores) => number(r.baselines[b]), value: (r: Scores) => r.baselines[b] })),
    ],
  }) : empty(t.none, t.none_help)], { id: 'scores' });
}

function incidents(quality: Quality): VNode {
  const t = text.quality;
  const s = incidentScores(quality);
  return card(t.incidents, s ? facts(fact(t.brier, number(s.brier)), fact(t.brier_skill, number(s.brier_skill)), fact(t.precision, percent(s.precision)), fact(t.recall, percent(s.recall))) : empty(t.none, t.none_help), { id: 'incidents' });
}

/* A figure of the last day beside the same of the week: the limits are those that an operator would raise an eyebrow at. */
function verdict(ratio: number | null, coverage: number | null): 'ok' | 'watch' | 'retrain' {
  if ((ratio ?? 1) > 1.5 || (coverage ?? 0.8) < 0.6) return 'retrain';
  return (ratio ?? 1) > 1.2 || (coverage ?? 0.8) < 0.7 ? 'watch' : 'ok';
}

function drift(c: Context): VNode {
  const t = text.quality;
  const last = c.use<Quality>('quality day', '/api/v1/quality?from=-24h', 'slow');
  const week = scoresOf(c.use<Quality>('quality', '/api/v1/quality?from=-7d', 'slow').data);
  const rows = scoresOf(last.data).flatMap((day) => {
    const before = week.find((w) => w.group === day.group);
    const ratio = before?.mae && day.mae !== null ? day.mae / before.mae : null;
    return before && day.n > 0 ? [{ metric: day.metric, ratio, day: day.coverage, week: before.coverage, verdict: verdict(ratio, day.coverage) }] : [];
  });
  return card(t.drift, [h('p', { class: 'help' }, t.drift_help), known(last, () => (rows.length ? table({
    id: 'drift', caption: t.drift, rows, rowKey: (r) => r.metric, params: c.params,
    columns: [
      { key: 'metric', head: text.words.metric, cell: (r) => metricName(r.metric), value: (r) => r.metric },
      { key: 'ratio', head: t.drift_error, number: true, cell: (r) => number(r.ratio), value: (r) => r.ratio },
      { key: 'day', head: t.drift_coverage, number: true, cell: (r) => percent(r.day), value: (r) => r.day },
      { key: 'week', head: t.drift_week, number: true, narrow: true, cell: (r) => percent(r.week), value: (r) => r.week },
      { key: 'verdict', head: t.verdict, cell: (r) => chip(r.verdict === 'ok' ? 'ok' : r.verdict === 'watch' ? 'p2' : 'p1', t.verdicts[r.verdict]), value: (r) => t.verdicts[r.verdict] },
    ],
  }) : empty(t.drift_none)))], { id: 'drift' });
}

export const quality: View = {
  name: 'quality',
  key: 'q',
  render(c) {
    const t = text.quality;
    const by = c.params['by'] ?? 'metric';
    const span = c.params['span'] ?? '-7d';
    const horizon = (HORIZONS as readonly string[]).includes(c.params['horizon'] ?? '') ? (c.params['horizon'] as Horizon) : '2h';
    const reply = c.use<Quality>('quality view', '/api/v1/quality' + query({ from: span, group_by: by }), 'slow');
    return [
      h('h1', { key: 'h' }, t.title), h('p', { class: 'lead', key: 'lead' }, t.lead),
      h('div', { class: 'controls', key: 'controls' }, select(t.by, by, { metric: 'metric', horizon: 'horizon', profile: 'profile', server: 'server', model: 'model' }, (v) => setParams({ by: v })), select(text.history.span, span, text.history.spans, (v) => setParams({ span: v }))),
      reply.fault?.kind === 'absent' ? h('section', { class: 'card', key: 'absent' }, faultState(reply.fault)) : known(reply, (data) => [scores(c, data), h('div', { class: 'cards', key: 'cards' }, reliability(c, data, horizon), incidents(data), drift(c))], 10),
    ];
  },
};
