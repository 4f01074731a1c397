/* heatgrid.ts - servers × time on one canvas.
 *
 * A thousand servers with 192 steps are 192,000 cells: written as 32-bit words into an ImageData of one pixel per cell, then
 * enlarged by the canvas without smoothing. That is what keeps an update within milliseconds. Names are drawn beside
 * the rows while rows are tall enough. The pointer and the arrow keys move one cursor, and what it reads is said in words.
 */
import { cssVar, scale } from '../colors';
import { island, type Island, type VNode } from '../dom';

export interface Grid {
  label: string;
  names: string[];
  columns: number;
  past: number; // columns before now
  values: Float32Array; // [names.length, columns], 0 … 1 of the scale, NaN = nothing
  groups: { row: number; label: string }[]; // where each begins; empty: not grouped
  dark: boolean;
  columnLabel: (column: number) => string;
  say: (row: number, column: number) => string;
  open: (row: number) => void;
}

const LABEL_FONT = '12px system-ui, sans-serif';
const AXIS = 22;
const MAX_LABEL = 180;
const GROUP_LABEL = 14; // a group lower than this has no room for its name

function rowHeight(n: number): number {
  return n <= 24 ? 24 : n <= 60 ? 16 : n <= 150 ? 13 : n <= 400 ? 6 : 3;
}

function makeGrid(host: HTMLElement, first: Grid): Island<Grid> {
  let grid = first;
  let row = -1;
  let column = -1;
  const canvas = document.createElement('canvas');
  const cursor = document.createElement('div');
  const readout = document.createElement('p');
  const box = document.createElement('div');
  const cells = document.createElement('canvas');
  cursor.className = 'grid-cursor';
  cursor.hidden = true;
  readout.className = 'grid-readout';
  readout.setAttribute('aria-live', 'polite');
  box.className = 'grid-box';
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  box.append(canvas, cursor);
  host.append(readout, box);
  let left = 0;
  let width = 0;
  let words = scale(grid.dark);
  let wordsDark = grid.dark;

  const fill = (): void => {
    const n = grid.names.length;
    if (wordsDark !== grid.dark) {
      words = scale(grid.dark);
      wordsDark = grid.dark;
    }
    cells.width = grid.columns;
    cells.height = Math.max(1, n);
    const context = cells.getContext('2d')!;
    const image = context.createImageData(grid.columns, Math.max(1, n));
    const pixels = new Uint32Array(image.data.buffer);
    const { values } = grid;
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!;
      pixels[i] = v !== v ? 0 : words[v <= 0 ? 0 : v >= 1 ? 255 : (v * 255) | 0]!;
    }
    context.putImageData(image, 0, 0);
  };

  const draw = (): void => {
    const n = grid.names.length;
    const each = rowHeight(n);
    const ratio = devicePixelRatio;
    width = Math.max(260, box.clientWidth);
    const height = AXIS + n * each;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.setProperty('width', `${width}px`);
    canvas.style.setProperty('height', `${height}px`);
    const context = canvas.getContext('2d')!;
    context.scale(ratio, ratio);
    context.font = LABEL_FONT;
    const named = each >= 13;
    left = named ? Math.min(MAX_LABEL, width * 0.3, 14 + Math.max(0, ...grid.names.slice(0, 200).map((name) => context.measureText(name.slice(0, 40)).width))) : 8;
    if (!named && grid.groups.length) left = Math.min(MAX_LABEL, width * 0.3, 14 + Math.max(...grid.groups.map((g) => context.measureText(g.label).width)));
    context.fillStyle = cssVar('--ink-2');
    context.textBaseline = 'middle';
    if (!named) grid.groups.forEach((g, i) => {
      const tall = ((grid.groups[i + 1]?.row ?? n) - g.row) * each;
      if (tall >= GROUP_LABEL) context.fillText(g.label, 2, AXIS + g.row * each + Math.min(tall / 2, 9), left - 6);
    });
    if (named) {
      context.save();
      context.beginPath();
      context.rect(0, 0, left - 6, height);
      context.clip();
      grid.names.forEach((name, i) => context.fillText(name.slice(0, 60), 2, AXIS + i * each + each / 2 + 0.5));
      context.restore();
    }
    context.imageSmoothingEnabled = false;
    context.drawImage(cells, left, AXIS, width - left, n * each);
    // seams between tall rows, so that the eye can follow one
    if (each >= 13) {
      context.fillStyle = cssVar('--surface');
      for (let i = 1; i < n; i++) context.fillRect(left, AXIS + i * each - 0.5, width - left, 1);
    }
    for (const g of grid.groups) if (g.row > 0) {
      context.fillStyle = cssVar('--surface');
      context.fillRect(0, AXIS + g.row * each - 1.5, width, 3);
      context.fillStyle = cssVar('--line-2');
      context.fillRect(0, AXIS + g.row * each - 0.5, width, 1);
    }
    const cell = (width - left) / grid.columns;
    context.fillStyle = cssVar('--ink');
    context.fillRect(left + grid.past * cell - 1, AXIS - 6, 2, n * each + 6);
    context.fillStyle = cssVar('--ink-2');
    const marks = width < 500 ? 4 : 8;
    for (let i = 0; i <= marks; i++) {
      const at = Math.min(grid.columns - 1, Math.round((i * grid.columns) / marks));
      const text = grid.columnLabel(at);
      const w = context.measureText(text).width;
      context.fillText(text, Math.max(left, Math.min(width - w - 1, left + at * cell - w / 2)), 9);
    }
    canvas.setAttribute('aria-label', grid.label);
    place(row, column);
  };

  const place = (r: number, c: number): void => {
    const inside = r >= 0 && r < grid.names.length && c >= 0 && c < grid.columns;
    row = inside ? r : -1;
    column = inside ? c : -1;
    cursor.hidden = !inside;
    if (!inside) {
      readout.textContent = '';
      return;
    }
    const each = rowHeight(grid.names.length);
    const cell = (width - left) / grid.columns;
    const style = cursor.style;
    style.setProperty('left', `${left + c * cell}px`);
    style.setProperty('top', `${AXIS + r * each}px`);
    style.setProperty('width', `${Math.max(3, cell)}px`);
    style.setProperty('height', `${each}px`);
    readout.textContent = grid.say(r, c);
  };

  const locate = (e: MouseEvent): [number, number] => {
    const at = canvas.getBoundingClientRect();
    const x = e.clientX - at.left - left;
    const y = e.clientY - at.top - AXIS;
    return [Math.floor(y / rowHeight(grid.names.length)), x < 0 ? (column < 0 ? grid.past : column) : Math.floor((x / (width - left)) * grid.columns)];
  };
  canvas.addEventListener('mousemove', (e) => place(...locate(e)));
  canvas.addEventListener('mouseleave', () => place(-1, -1));
  canvas.addEventListener('click', (e) => {
    const [r] = locate(e);
    if (r >= 0 && r < grid.names.length) grid.open(r);
  });
  canvas.addEventListener('keydown', (e) => {
    const step = e.shiftKey ? 12 : 1;
    const move: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -step], ArrowRight: [0, step] };
    const by = move[e.key];
    if (by) {
      e.preventDefault();
      if (row < 0) place(0, grid.past);
      else place(Math.max(0, Math.min(grid.names.length - 1, row + by[0])), Math.max(0, Math.min(grid.columns - 1, column + by[1])));
    } else if (e.key === 'Enter' && row >= 0) grid.open(row);
  });
  const resize = new ResizeObserver(() => {
    if (Math.abs(box.clientWidth - width) > 1 && box.clientWidth > 0) draw();
  });
  fill();
  draw();
  resize.observe(box);
  return {
    update: (next) => {
      if (next === grid) return;
      const began = performance.now();
      grid = next;
      fill();
      draw();
      performance.measure('tftd:heatmap', { start: began });
      if (performance.getEntriesByName('tftd:heatmap').length > 100) performance.clearMeasures('tftd:heatmap');
    },
    destroy: () => resize.disconnect(),
  };
}

export const heatgrid = (grid: Grid): VNode => island('heatgrid', 'heatgrid', makeGrid, grid);
