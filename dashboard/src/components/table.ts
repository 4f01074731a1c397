/* table.ts - a table that can be sorted (the order is part of the address), copied, saved as CSV, and read on a phone.
 *
 * Long ones show their first rows; what is copied or saved is all of them. All rows that are shown are in the document, to be found, printed
 * and read aloud, but an update of a thousand rows is not worth its time while twenty can be seen: rows come in blocks, and those out of
 * sight are brought up to date one at a time, so that each of them follows within seconds (at once where it comes into sight).
 */
import { saveBlob } from '../api';
import { h, unseen, type Child, type VNode } from '../dom';
import { inOrder } from '../format';
import { setParams } from '../router';
import { text } from '../text';

export interface Column<T> {
  key: string;
  head: string;
  cell: (row: T) => Child;
  value?: (row: T) => number | string | null | undefined; // to sort and to copy by
  number?: boolean;
  bare?: boolean; // its heading is for screen readers only
  narrow?: boolean; // left out on a phone
  title?: string;
}

export interface TableOptions<T> {
  id: string; // its sort order is the parameter "<id>"
  caption: string;
  rows: T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  rowClass?: (row: T) => string;
  params: Record<string, string>;
  first?: number; // rows at first
  sort?: string; // "risk,desc" where the address says nothing
  note?: Child;
}

function compare(a: number | string | null | undefined, b: number | string | null | undefined): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return typeof a === 'number' && typeof b === 'number' ? a - b : inOrder(String(a), String(b));
}

function sorted<T>(options: TableOptions<T>, by: string, down: boolean): T[] {
  const value = options.columns.find((c) => c.key === by)?.value;
  if (!value) return options.rows;
  const keyed = options.rows.map((row) => ({ row, by: value(row), key: options.rowKey(row) })); // worked out once a row, not once a comparison
  const way = down ? -1 : 1;
  return keyed.sort((a, b) => way * compare(a.by, b.by) || (a.key < b.key ? -1 : Number(a.key > b.key))).map((k) => k.row);
}

const plain = <T>(column: Column<T>, row: T): string => {
  const value = column.value?.(row);
  return value === null || value === undefined ? '' : String(value);
};

export function toCsv<T>(columns: Column<T>[], rows: T[]): string {
  const cell = (value: string): string => {
    const safe = /^[=+@-]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value; // no spreadsheet formulas
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const usable = columns.filter((c) => c.value);
  return [usable.map((c) => cell(c.head)), ...rows.map((row) => usable.map((c) => cell(plain(c, row))))].map((line) => line.join(',') + '\r\n').join('');
}

async function copy<T>(columns: Column<T>[], rows: T[], event: Event): Promise<void> {
  const usable = columns.filter((c) => c.value);
  const flat = (value: string): string => value.replaceAll(/[\t\r\n]/g, ' ');
  const lines = [usable.map((c) => c.head), ...rows.map((row) => usable.map((c) => flat(plain(c, row))))].map((line) => line.join('\t'));
  const target = event.currentTarget as HTMLElement | null;
  await navigator.clipboard.writeText(lines.join('\n'));
  if (target) {
    target.dataset['done'] = text.copied;
    setTimeout(() => delete target.dataset['done'], 1500);
  }
}

const BLOCK = 50;
let turn = 0; // of the blocks out of sight
let printing = false;
addEventListener('beforeprint', () => {
  printing = true;
});
addEventListener('afterprint', () => {
  printing = false;
});

/* Whether a block is in sight or nearly, or does not stand in the document yet. */
function inSight(id: string): boolean {
  const at = document.getElementById(id)?.getBoundingClientRect();
  return !at || (at.bottom > -innerHeight / 2 && at.top < 1.5 * innerHeight);
}

function body<T>(options: TableOptions<T>, rows: T[]): VNode[] {
  const draw = (from: number): VNode[] => rows.slice(from, from + BLOCK).map((row) =>
    h('tr', { key: options.rowKey(row), class: options.rowClass?.(row) },
      options.columns.map((c) => h('td', { key: c.key, class: `${c.number ? 'number' : ''} ${c.narrow ? 'narrow' : ''}` }, c.cell(row)))));
  const n = Math.ceil(rows.length / BLOCK);
  if (n <= 1) return [h('tbody', { key: '0' }, draw(0))];
  turn++;
  return Array.from({ length: n }, (_, i) => {
    const props = { key: String(i), id: `rows-${options.id}-${i}` };
    return printing || turn % n === i || inSight(props.id) ? h('tbody', props, draw(i * BLOCK)) : unseen('tbody', props, () => draw(i * BLOCK));
  });
}

export function table<T>(options: TableOptions<T>): VNode {
  const [by = '', way = ''] = (options.params[options.id] ?? options.sort ?? '').split(',');
  const down = way === 'desc';
  const rows = sorted(options, by, down);
  const wanted = Number(options.params[options.id + 'n']) || options.first || 100;
  const shown = rows.slice(0, wanted);
  const head = (c: Column<T>): VNode => {
    const is = c.key === by;
    const kind = `${c.number ? 'number' : ''} ${c.narrow ? 'narrow' : ''}`;
    if (!c.value) return h('th', { key: c.key, class: kind, scope: 'col', title: c.title }, c.bare ? h('span', { class: 'sr' }, c.head) : c.head);
    const next = is ? (down ? 'asc' : 'desc') : c.number ? 'desc' : 'asc';
    return h('th', { key: c.key, class: kind, scope: 'col', title: c.title, 'aria-sort': is ? (down ? 'descending' : 'ascending') : undefined },
      h('button', { type: 'button', class: 'sorter', title: text.sort_by(c.head), on: { click: () => setParams({ [options.id]: `${c.key},${next}` }) } },
        c.bare ? h('span', { class: 'sr' }, c.head) : c.head, h('span', { class: 'arrow', 'aria-hidden': 'true' }, is ? (down ? '↓' : '↑') : '')));
  };
  return h('div', { class: 'table-box', key: options.id },
    h('div', { class: 'table-scroll', role: 'group', tabindex: '0', 'aria-label': options.caption },
      h('table', null,
        h('caption', { class: 'sr' }, options.caption),
        h('thead', null, h('tr', null, options.columns.map(head))),
        body(options, shown))),
    h('div', { class: 'table-foot' },
      h('span', { class: 'muted' }, options.note ?? text.rows(rows.length)),
      rows.length > shown.length ? h('button', { type: 'button', class: 'link', on: { click: () => setParams({ [options.id + 'n']: String(wanted + 500) }) } }, text.show_more(Math.min(500, rows.length - shown.length))) : null,
      h('span', { class: 'grow' }),
      h('button', { type: 'button', class: 'link', on: { click: (e: Event) => void copy(options.columns, rows, e) } }, text.copy),
      h('button', { type: 'button', class: 'link', on: { click: () => saveBlob(new Blob([toCsv(options.columns, rows)], { type: 'text/csv' }), `tftd-${options.id}.csv`) } }, text.csv)));
}
