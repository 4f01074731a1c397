/* chart.ts - one metric over time, measured and forecast, drawn by uPlot: quantile bands, thresholds, incidents.
 *
 * Times are seconds; every series has the length of `times`, null where it has no value. Charts with the same `sync` share
 * one cursor. The cursor also moves with the arrow keys; what it reads stands in words above the chart, so nothing is said
 * by colour alone.
 */
import uPlot from 'uplot';
import { h, island, type Island, type VNode } from '../dom';
import { cssVar } from '../colors';
import { clock, dateClock, number } from '../format';

export type Style = 'measured' | 'median' | 'compare' | 'said' | 'curve';

export interface Line {
  label: string;
  style: Style;
  values: (number | null)[];
}
export interface Band {
  label: string;
  level: 1 | 2 | 3; // 1 the widest and palest
  said?: boolean;
  low: (number | null)[];
  high: (number | null)[];
}
export interface Threshold {
  label: string;
  value: number;
  severity: 'warning' | 'critical';
}
export interface Shade {
  from: number;
  to: number;
  kind: 'incident' | 'maintenance';
}

export interface Mark {
  at: number;
  severity: string;
  foreseen: boolean; // hollow: it has not come yet
}

export interface ChartData {
  label: string; // what a screen reader says
  unit: string;
  times: number[];
  now: number;
  lines: Line[];
  bands: Band[];
  thresholds: Threshold[];
  shades: Shade[];
  marks?: Mark[]; // alerts, at the upper edge
  height: number;
  min?: number;
  max?: number;
  sync: string;
  dark: boolean;
}

const LINE_STYLE: Record<Style, { color: string; width: number; dash?: number[] }> = {
  measured: { color: '--measured', width: 1.6 },
  median: { color: '--forecast', width: 2 },
  compare: { color: '--compare', width: 1.2, dash: [5, 4] },
  said: { color: '--said', width: 1.6, dash: [2, 3] },
  curve: { color: '--bad', width: 2 },
};

function shape(d: ChartData): string {
  return [d.dark, d.height, d.unit, d.sync, ...d.lines.map((l) => l.style + l.label), ...d.bands.map((b) => b.label)].join('|');
}

/* Words on their lines, on a ground of their own so that they can be read; where two lines lie close, side by side. */
function drawLabels(u: uPlot, labels: { text: string; y: number; ink: string }[]): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const height = 13 * ratio;
  let right = bbox.left + bbox.width - 4 * ratio;
  let last = Infinity;
  for (const label of labels) {
    const width = ctx.measureText(label.text).width + 8 * ratio;
    right = Math.abs(label.y - last) < height ? right - width - 4 * ratio : bbox.left + bbox.width - 4 * ratio;
    last = label.y;
    const y = Math.max(bbox.top + height / 2, Math.min(bbox.top + bbox.height - height / 2, label.y));
    ctx.fillStyle = cssVar('--surface');
    ctx.fillRect(right - width, y - height / 2, width, height);
    ctx.fillStyle = label.ink;
    ctx.fillText(label.text, right - 4 * ratio, y);
  }
}

/* Alerts as the signs that lists have for them, at the upper edge: filled when one began, hollow where one is foreseen. */
function drawMarks(u: uPlot, marks: Mark[]): void {
  const { ctx } = u;
  const { left, top, width } = u.bbox;
  const size = 4.5 * devicePixelRatio;
  for (const m of marks) {
    const x = u.valToPos(m.at, 'x', true);
    if (x < left || x > left + width) continue;
    const y = top + size + 1;
    ctx.beginPath();
    if (m.severity === 'critical') ctx.rect(x - size * 0.85, y - size * 0.85, size * 1.7, size * 1.7);
    else {
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y + size);
      ctx.lineTo(x - size, y + size);
      ctx.closePath();
    }
    ctx.fillStyle = m.foreseen ? cssVar('--surface') : cssVar(m.severity === 'critical' ? '--bad' : '--warn');
    ctx.strokeStyle = cssVar(m.severity === 'critical' ? '--bad-ink' : '--warn-ink');
    ctx.fill();
    ctx.stroke();
  }
}

function options(d: ChartData, width: number, current: () => ChartData, read: (u: uPlot) => void): uPlot.Options {
  const ink = cssVar('--ink-2');
  const grid = { stroke: cssVar('--line'), width: 1 };
  const font = '11px system-ui, sans-serif';
  const ratio = devicePixelRatio;
  const bandSeries = d.bands.flatMap((b) => [`${b.label} high`, `${b.label} low`]).map((label): uPlot.Series => ({ label, stroke: 'transparent', width: 0, points: { show: false } }));
  const lineSeries = d.lines.map((l): uPlot.Series => {
    const s = LINE_STYLE[l.style];
    return { label: l.label, stroke: cssVar(s.color), width: s.width, ...(s.dash ? { dash: s.dash } : {}), points: { show: false }, spanGaps: false };
  });
  return {
    width,
    height: d.height,
    pxAlign: false,
    legend: { show: false },
    cursor: { sync: { key: d.sync, setSeries: false }, points: { size: 6 }, drag: { x: false, y: false } },
    padding: [6, 18, 0, 0],
    scales: {
      x: { time: true },
      y: {
        range: (_u, low, high) => {
          const now = current();
          let bottom = now.min ?? low ?? 0;
          let top = Math.max(high ?? 1, ...now.thresholds.filter((t) => t.value <= (high ?? 1) * 1.35).map((t) => t.value * 1.04));
          if (now.max !== undefined) top = Math.min(now.max, Math.max(top, bottom + 1));
          if (!(top > bottom)) { bottom -= 1; top = bottom + 2; }
          return [bottom, top * (now.max === undefined ? 1.05 : 1)];
        },
      },
    },
    axes: [
      { stroke: ink, font, grid, ticks: { show: false }, size: 26, space: 70, values: (_u, at) => at.map((t, i) => {
        const day = i > 0 && new Date(t * 1000).getDate() !== new Date(at[i - 1]! * 1000).getDate();
        return day || (i === 0 && at.length > 1 && at.at(-1)! - t > 36 * 3600) ? dateClock(t * 1000) : clock(t * 1000);
      }) },
      { stroke: ink, font, grid, ticks: { show: false }, size: 46, space: 34, values: (_u, at) => at.map((v) => number(v)) },
    ],
    series: [{}, ...bandSeries, ...lineSeries],
    bands: d.bands.map((b, i): uPlot.Band => ({ series: [2 * i + 1, 2 * i + 2], fill: cssVar(b.said ? '--said-band' : `--band-${b.level}`) })),
    hooks: {
      drawClear: [(u) => {
        const now = current();
        const { left, top, width: w, height: hh } = u.bbox;
        u.ctx.save();
        u.ctx.beginPath();
        u.ctx.rect(left, top, w, hh);
        u.ctx.clip();
        for (const s of now.shades) {
          const x0 = u.valToPos(s.from, 'x', true);
          u.ctx.fillStyle = cssVar(s.kind === 'incident' ? '--shade-bad' : '--shade-quiet');
          u.ctx.fillRect(x0, top, Math.max(2, u.valToPos(s.to, 'x', true) - x0), hh);
        }
        const x = u.valToPos(now.now, 'x', true);
        u.ctx.fillStyle = cssVar('--shade-future');
        u.ctx.fillRect(x, top, left + w - x, hh);
        u.ctx.restore();
      }],
      draw: [(u) => {
        const now = current();
        const { left, top, width: w, height: hh } = u.bbox;
        const { ctx } = u;
        ctx.save();
        ctx.lineWidth = ratio;
        const x = u.valToPos(now.now, 'x', true);
        ctx.strokeStyle = cssVar('--ink-3');
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + hh);
        ctx.stroke();
        ctx.font = `${10.5 * ratio}px system-ui, sans-serif`;
        ctx.textAlign = 'right';
        ctx.textBaseline = 'middle';
        const labels: { text: string; y: number; ink: string }[] = [];
        for (const t of now.thresholds) {
          const y = u.valToPos(t.value, 'y', true);
          if (y < top || y > top + hh) continue;
          ctx.strokeStyle = cssVar(t.severity === 'critical' ? '--bad' : '--warn');
          ctx.setLineDash(t.severity === 'critical' ? [] : [4 * ratio, 3 * ratio]);
          ctx.beginPath();
          ctx.moveTo(left, y);
          ctx.lineTo(left + w, y);
          ctx.stroke();
          labels.push({ text: t.label, y, ink: cssVar(t.severity === 'critical' ? '--bad-ink' : '--warn-ink') });
        }
        ctx.setLineDash([]);
        drawLabels(u, labels);
        drawMarks(u, now.marks ?? []);
        ctx.restore();
      }],
      setCursor: [read],
    },
  };
}

function toData(d: ChartData): uPlot.AlignedData {
  return [d.times, ...d.bands.flatMap((b) => [b.high, b.low]), ...d.lines.map((l) => l.values)] as uPlot.AlignedData;
}

function makeChart(host: HTMLElement, first: ChartData): Island<ChartData> {
  let data = first;
  let form = '';
  let plot: uPlot | null = null;
  let drawnTimes: ChartData | null = null;
  const readout = document.createElement('p');
  readout.className = 'readout';
  const canvas = document.createElement('div');
  canvas.className = 'plot';
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  host.append(readout, canvas);

  const idle = (): void => {
    readout.replaceChildren();
  };
  const read = (u: uPlot): void => {
    const i = u.cursor.idx;
    if (i === null || i === undefined || (u.cursor.left ?? -1) < 0) {
      idle();
      return;
    }
    const parts: HTMLElement[] = [];
    const say = (className: string, label: string, value: string): void => {
      const part = document.createElement('span');
      part.className = className;
      const strong = document.createElement('b');
      strong.textContent = value;
      part.append(label + ' ', strong);
      parts.push(part);
    };
    say('at', '', dateClock(data.times[i]! * 1000));
    for (const l of data.lines) {
      const v = l.values[i];
      if (v !== null && v !== undefined) say(`read-${l.style}`, l.label, number(v) + (data.unit === '%' ? '%' : ''));
    }
    for (const b of [...data.bands].reverse()) {
      const low = b.low[i];
      const high = b.high[i];
      if (low !== null && low !== undefined && high !== null && high !== undefined) say('read-band', b.label, `${number(low)}–${number(high)}`);
    }
    readout.replaceChildren(...parts);
  };
  canvas.addEventListener('keydown', (e) => {
    if (!plot || !['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(e.key)) return;
    e.preventDefault();
    const n = data.times.length;
    const step = e.shiftKey ? 12 : 1;
    const at = plot.cursor.idx ?? data.times.findIndex((t) => t >= data.now);
    const to = e.key === 'Home' ? 0 : e.key === 'End' ? n - 1 : Math.max(0, Math.min(n - 1, at + (e.key === 'ArrowRight' ? step : -step)));
    plot.setCursor({ left: plot.valToPos(data.times[to]!, 'x'), top: 10 });
  });

  const draw = (): void => {
    canvas.setAttribute('aria-label', data.label);
    const width = Math.max(200, canvas.clientWidth);
    const wanted = shape(data);
    if (!plot || wanted !== form) {
      plot?.destroy();
      form = wanted;
      plot = new uPlot(options(data, width, () => data, read), toData(data), canvas);
    } else if (drawnTimes !== data) {
      plot.setData(toData(data));
      if (width !== plot.width) plot.setSize({ width, height: data.height });
    }
    drawnTimes = data;
  };
  const resize = new ResizeObserver(() => {
    if (plot && canvas.clientWidth > 0 && canvas.clientWidth !== plot.width) plot.setSize({ width: canvas.clientWidth, height: data.height });
  });
  draw();
  resize.observe(canvas);
  return {
    update: (next) => {
      if (next === data) return;
      data = next;
      draw();
    },
    destroy: () => {
      resize.disconnect();
      plot?.destroy();
    },
  };
}

export const chart = (key: string, data: ChartData): VNode => island(`chart-${key}`, 'chart', makeChart, data, { css: { 'min-height': `${data.height + 22}px` } });

/* The key to what is drawn. */
export const chartKey = (entries: [string, string][]): VNode =>
  h('ul', { class: 'chart-key' }, entries.map(([className, label]) => h('li', { key: className }, h('i', { class: `swatch swatch-${className}`, 'aria-hidden': 'true' }), label)));
