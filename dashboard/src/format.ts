/* format.ts - numbers with units and instants in the reader's time zone: the only place that makes text of either. */
import { text } from './text';

export type Zone = 'local' | 'utc';

let zone: Zone = 'local';
const cache = new Map<string, Intl.DateTimeFormat>();

export function setZone(wanted: Zone): void {
  zone = wanted;
  cache.clear();
}

function formatter(kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  let made = cache.get(kind);
  if (!made) {
    made = new Intl.DateTimeFormat('en-GB', { ...options, hourCycle: 'h23', ...(zone === 'utc' ? { timeZone: 'UTC' } : {}) });
    cache.set(kind, made);
  }
  return made;
}

export const zoneName = (): string =>
  zone === 'utc' ? 'UTC' : (formatter('zone', { timeZoneName: 'short' }).formatToParts().find((p) => p.type === 'timeZoneName')?.value ?? 'local');

type Instant = string | number | Date | null | undefined;
const toDate = (at: Instant): Date | null => {
  if (at === null || at === undefined) return null;
  const date = at instanceof Date ? at : new Date(at);
  return Number.isFinite(date.getTime()) ? date : null;
};

/* 14:35 */
export function clock(at: Instant): string {
  const date = toDate(at);
  return date ? formatter('clock', { hour: '2-digit', minute: '2-digit' }).format(date) : text.none;
}
export function clockSeconds(at: Instant): string {
  const date = toDate(at);
  return date ? formatter('seconds', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(date) : text.none;
}
/* 24 Nov, 14:35 */
export function dateClock(at: Instant): string {
  const date = toDate(at);
  return date ? formatter('date', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(date) : text.none;
}
/* 24 Nov 2026, 14:35:10 UTC: for titles */
export function full(at: Instant): string {
  const date = toDate(at);
  if (!date) return text.none;
  return formatter('full', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' }).format(date);
}
/* What an <input type="datetime-local"> holds, in the reader's zone: 2026-11-24T14:35. */
export function toLocalInput(at: number): string {
  const date = new Date(at);
  const shifted = zone === 'utc' ? date : new Date(at - date.getTimezoneOffset() * 60000);
  return shifted.toISOString().slice(0, 16);
}
export function fromLocalInput(value: string): number | null {
  const at = Date.parse(zone === 'utc' ? value + 'Z' : value);
  return Number.isFinite(at) ? at : null;
}
/* The clock alone while it is today or tonight (within 20 h), else with the date. */
export function soon(at: Instant, now: number): string {
  const date = toDate(at);
  if (!date) return text.none;
  return Math.abs(date.getTime() - now) < 20 * 3600e3 ? clock(date) : dateClock(date);
}

/* "12 s", "5 min", "3 h 20 min", "2 d": a length of time. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 100) return `${s} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 && hours < 10 ? `${hours} h ${minutes % 60} min` : `${Math.round(minutes / 60)} h`;
  return `${Math.round(minutes / 1440)} d`;
}
export const ago = (at: Instant, now: number): string => {
  const date = toDate(at);
  return date ? text.ago(span((now - date.getTime()) / 1000)) : text.none;
};

/* ---- order -------------------------------------------------------------------------------------------- */

/* Names as people sort them: web2 before web10. One collator for all: String.localeCompare makes its own each time. */
export const inOrder = new Intl.Collator('en', { numeric: true }).compare;

/* ---- numbers ------------------------------------------------------------------------------------------- */

const grouped = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
export const count = (n: number | null | undefined): string => (n === null || n === undefined ? text.none : grouped.format(n));

/* Three figures are what a reader takes in: 4.37, 43.7, 437, 4,370. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return text.none;
  const size = Math.abs(value);
  if (size >= 1000) return grouped.format(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10 || size === 0) return trim(value.toFixed(1));
  return trim(value.toFixed(2));
}
const trim = (digits: string): string => (digits.includes('.') ? digits.replace(/\.?0+$/, '').replace(/^-0$/, '0') : digits);

/* With its unit behind a narrow no-break space, % without one. */
export const withUnit = (value: number | null | undefined, unit: string): string =>
  value === null || value === undefined ? text.none : `${number(value)}${unit === '%' ? '' : '\u202f'}${unit}`;

/* A probability as people say it: <1 %, 4 %, 63 %, >99 %. */
export function percent(p: number | null | undefined): string {
  if (p === null || p === undefined || !Number.isFinite(p)) return text.none;
  if (p > 0 && p < 0.01) return '<1%';
  if (p < 1 && p > 0.99) return '>99%';
  return `${Math.round(100 * p)}%`;
}

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return text.none;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = n;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${number(value)}\u202f${units[unit]}`;
}

/* Words of the API as people read them: critical_issue → critical issue. */
export const words = (name: string | null | undefined): string => (name ? name.replaceAll('_', ' ') : text.none);
