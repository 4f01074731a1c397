/* timeline.ts - the next eight hours, a lane per server: the chance of an incident by then, and crossings of thresholds. */
import { h, type VNode } from '../dom';
import { clock, percent } from '../format';
import { text } from '../text';
import { serverLink } from './ui';

export interface Mark {
  at: number;
  severity: string;
  label: string;
}
export interface Lane {
  name: string;
  curve: number[] | undefined; // P(incident by the end of step i)
  marks: Mark[];
}

const SPAN = 8 * 3600e3;
const CELLS = 32;

const place = (at: number, start: number): string => `${Math.max(0, Math.min(100, (100 * (at - start)) / SPAN)).toFixed(2)}%`;

function cells(curve: number[]): VNode[] {
  const each = curve.length / CELLS;
  return Array.from({ length: CELLS }, (_, i) => {
    const p = curve[Math.min(curve.length - 1, Math.round((i + 1) * each) - 1)] ?? 0;
    return h('i', { key: String(i), class: `heat heat-${Math.min(9, Math.floor(10 * p))}` });
  });
}

/* Where a warning and a critical mark would lie on one another, the critical one stands for both. */
function apart(marks: Mark[]): Mark[] {
  const worst = [...marks].sort((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical') || a.at - b.at);
  return worst.filter((m, i) => !worst.slice(0, i).some((other) => Math.abs(other.at - m.at) < SPAN / 40));
}

export function timeline(lanes: Lane[], start: number, now: number): VNode {
  const hours = Array.from({ length: 9 }, (_, i) => start + i * 3600e3);
  return h('div', { class: 'timeline' },
    h('div', { class: 'timeline-axis', 'aria-hidden': 'true' },
      h('span', null), h('div', { class: 'timeline-hours' }, hours.map((at, i) =>
        h('span', { key: String(i), class: i % 2 ? 'odd' : '', css: { left: place(at, start) } }, i === 0 && Math.abs(start - now) < 900e3 ? text.now : clock(at))))),
    h('ul', null, lanes.map((lane) =>
      h('li', { key: lane.name, class: 'lane' },
        serverLink(lane.name),
        h('div', { class: 'lane-track' },
          h('span', { class: 'lane-heat', 'aria-hidden': 'true' }, lane.curve ? cells(lane.curve) : null),
          apart(lane.marks).map((m, i) => h('span', { key: `m${i}`, class: `mark mark-${m.severity}`, css: { left: place(m.at, start) }, title: m.label, role: 'img', 'aria-label': m.label }, m.severity === 'critical' ? '■' : '▲'))),
        h('span', { class: 'lane-p' }, percent(lane.curve?.at(-1)))))));
}
