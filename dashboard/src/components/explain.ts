/* explain.ts - why a forecast is as it is: attention over the past, weights of the inputs, drivers in words. */
import { h, type Child, type VNode } from '../dom';
import { percent, soon } from '../format';
import { metricName, text } from '../text';
import type { Context } from '../views/view';
import { card, faultState, known, tabs } from './ui';
import { setParams } from '../router';

interface Weight { name: string; weight: number }
export interface Explanation {
  attention?: { timestamps: string[]; weights: number[] } | { timestamp: string; weight: number }[];
  selection?: Record<string, Weight[] | Record<string, number>>;
  drivers?: (string | { text?: string; sentence?: string })[];
}

function weights(of: Weight[] | Record<string, number> | undefined): Weight[] {
  if (!of) return [];
  const list = Array.isArray(of) ? of : Object.entries(of).map(([name, weight]) => ({ name, weight }));
  return [...list].sort((a, b) => b.weight - a.weight).slice(0, 6);
}

function attentionStrip(a: Explanation['attention'], now: number): Child {
  const points = Array.isArray(a) ? a.map((p) => ({ at: p.timestamp, w: p.weight })) : (a?.timestamps ?? []).map((at, i) => ({ at, w: a?.weights[i] ?? 0 }));
  if (!points.length) return null;
  const most = Math.max(...points.map((p) => p.w), 1e-9);
  const n = 60;
  const cells = Array.from({ length: Math.min(n, points.length) }, (_, i) => {
    const from = Math.floor((i * points.length) / Math.min(n, points.length));
    const to = Math.max(from + 1, Math.floor(((i + 1) * points.length) / Math.min(n, points.length)));
    return Math.max(...points.slice(from, to).map((p) => p.w)) / most;
  });
  return h('div', { class: 'attention' }, h('p', { class: 'help' }, text.server.attention),
    h('div', { class: 'attention-strip', role: 'img', 'aria-label': `${text.server.attention}: ${soon(points.reduce((x, y) => (y.w > x.w ? y : x)).at, now)}` },
      cells.map((w, i) => h('i', { key: String(i), css: { height: `${Math.max(4, 100 * w)}%` } }))),
    h('p', { class: 'attention-ends muted' }, h('span', null, soon(points[0]!.at, now)), h('span', null, soon(points.at(-1)!.at, now))));
}

function draw(e: Explanation, now: number): Child {
  const parts: [string, Weight[]][] = [
    [text.server.encoder, weights(e.selection?.['encoder'])], [text.server.decoder, weights(e.selection?.['decoder'])], [text.server.statics, weights(e.selection?.['static'])],
  ];
  return [
    e.drivers?.length ? h('ul', { class: 'plain', key: 'drivers' }, e.drivers.slice(0, 5).map((d, i) => h('li', { key: String(i) }, typeof d === 'string' ? d : (d.text ?? d.sentence ?? '')))) : null,
    attentionStrip(e.attention, now),
    h('p', { class: 'help', key: 'inputs' }, text.server.inputs),
    h('div', { class: 'weights', key: 'weights' }, parts.filter(([, list]) => list.length).map(([name, list]) =>
      h('div', { key: name }, h('h3', null, name), h('ul', null, list.map((w) =>
        h('li', { key: w.name }, h('span', { class: 'weight-name' }, metricName(w.name)), h('span', { class: 'weight-track', 'aria-hidden': 'true' }, h('i', { css: { width: `${100 * w.weight}%` } })), h('span', { class: 'weight-value' }, percent(w.weight)))))))),
  ];
}

export function explainCard(c: Context, name: string): VNode {
  const metrics = c.contract?.metrics ?? [];
  const metric = c.params['explain'] ?? metrics[0]?.name ?? '';
  const reply = c.use<Explanation>(`explain ${name}`, `/api/v1/explain/${encodeURIComponent(name)}?metric=${encodeURIComponent(metric)}`, 'slow');
  return card(text.server.explain, reply.fault?.kind === 'absent' ? faultState(reply.fault)
    : [tabs(text.words.metric, metric, Object.fromEntries(metrics.map((m) => [m.name, metricName(m.name)])), (v) => setParams({ explain: v })), known(reply, (e) => draw(e, c.now))], { id: 'explain' });
}
