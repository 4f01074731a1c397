/* store.ts - what the page knows: replies of the API by path, kept fresh at the pace that each of them needs.
 *
 * A view asks while it renders: use('servers', '/api/v1/servers', 'live') returns what is known now and notes that
 * it is wanted. What is wanted and not known is fetched; when it comes, the page is rendered again. What no view has
 * wanted for a while is forgotten, so memory does not grow with the pages that one looks at.
 *
 *     live   at each new forecast (an event), or each `pace` seconds
 *     slow   once a minute, and after something was changed
 *     once   until something was changed
 *
 * A slot names a question ("steps of ppdb001"), a path one way to put it. While a new path's reply is on its way, the slot
 * shows the old one's, marked `outdated`, so that changing a setting does not empty the page.
 */
import { Fault, getJson } from './api';

export type Pace = 'live' | 'slow' | 'once';

export interface Known<T> {
  data: T | undefined;
  fault: Fault | undefined;
  at: number; // when data came; 0 = never
  loading: boolean;
  outdated: boolean;
}

export const UNASKED: Known<never> = { data: undefined, fault: undefined, at: 0, loading: true, outdated: false };

interface Entry {
  path: string;
  pace: Pace;
  data: unknown;
  fault: Fault | undefined;
  at: number;
  asked: number;
  used: number;
  loading: boolean;
  stale: boolean; // to be fetched again as soon as the running request is over
}

const KEEP_MS = 30000;
const SLOW_MS = 60000;
const ABSENT = new Fault('absent', 404, 'not offered');

/* Paths that an older daemon, or one that was built with less, may lack. They are not asked for before its own list of paths
 * has said that they are there: a request that must fail is a line in the browser's console and in the daemon's counters. */
const OPTIONAL = /^\/api\/v1\/(quality|drift|explain|history|models|config|demo|heatmap|alerts|silences|receivers)\b/;
/* Paths that answer 503 while there is no forecast yet. */
const OF_FORECASTS = /^\/api\/v1\/(forecasts|incidents|heatmap|risk|explain)\b/;
const UNREADY = new Fault('unready', 503, 'no forecast yet');
const PATHS = '/api/v1/openapi.json';

export class Store {
  private readonly entries = new Map<string, Entry>();
  private readonly slots = new Map<string, string>(); // slot → path that last had data
  private wanted = new Set<string>();
  private offered: Set<string> | null = null; // "/api/v1/history/steps" …; null = not known yet
  private offeredBy: unknown;
  forecasting = false; // there is a forecast to ask for
  lastOk = Date.now();
  failing = false; // the last request did not reach the daemon

  constructor(private readonly changed: () => void) {}

  use<T>(slot: string, path: string, pace: Pace): Known<T> {
    if (OPTIONAL.test(path) && !this.offers(path)) {
      return { data: undefined, fault: this.offered ? ABSENT : undefined, at: 0, loading: !this.offered, outdated: false };
    }
    if (!this.forecasting && OF_FORECASTS.test(path)) return { data: undefined, fault: UNREADY, at: 0, loading: false, outdated: false };
    let entry = this.entries.get(path);
    if (!entry) {
      entry = { path, pace, data: undefined, fault: undefined, at: 0, asked: 0, used: 0, loading: false, stale: false };
      this.entries.set(path, entry);
    }
    entry.pace = pace;
    entry.used = Date.now();
    this.wanted.add(path);
    if (!entry.loading && entry.asked === 0) void this.fetch(entry);
    if (entry.data !== undefined) this.slots.set(slot, path);
    const before = entry.data === undefined && !entry.fault ? this.entries.get(this.slots.get(slot) ?? '') : undefined;
    if (before) before.used = Date.now();
    return {
      data: (entry.data ?? before?.data) as T | undefined,
      fault: entry.fault,
      at: entry.at || (before?.at ?? 0),
      loading: entry.loading,
      outdated: before !== undefined,
    };
  }

  /* Whether the daemon has a route for this path; asks for the list the first time. */
  offers(path: string): boolean {
    const list = this.use<{ paths: Record<string, unknown> }>('paths', PATHS, 'once');
    if (list.data && list.data !== this.offeredBy) {
      this.offeredBy = list.data; // the daemon may be another one now
      this.offered = new Set(Object.keys(list.data.paths).map((p) => p.replace(/\{[^}]*\}/g, '*')));
    }
    if (!this.offered && (list.fault?.kind === 'absent' || list.fault?.kind === 'refused')) this.offered = new Set();
    if (!this.offered) return false;
    const segments = path.split('?')[0]!.split('/');
    return this.offered.has(segments.join('/')) || this.offered.has([...segments.slice(0, -1), '*'].join('/')) || (segments.length > 5 && this.offered.has([...segments.slice(0, -2), '*', segments.at(-1)].join('/')));
  }

  /* Around a rendering: what was not asked for between the two is not refreshed any more. */
  beginRender(): void {
    this.wanted = new Set();
  }
  endRender(): void {
    const now = Date.now();
    for (const [path, entry] of this.entries) {
      if (!this.wanted.has(path) && !entry.loading && now - entry.used > KEEP_MS) this.entries.delete(path);
    }
    for (const [slot, path] of this.slots) if (!this.entries.has(path)) this.slots.delete(slot);
  }

  /* Fetches again what is wanted and due. */
  refresh(reason: 'live' | 'clock' | 'all'): void {
    const now = Date.now();
    for (const path of this.wanted) {
      const entry = this.entries.get(path);
      if (!entry) continue;
      if (entry.fault?.kind === 'denied' && reason !== 'all') continue; // the daemon counts refusals; a new key asks for all of it
      const due =
        reason === 'all' ||
        (entry.pace === 'live' && reason === 'live') ||
        (entry.pace === 'slow' && now - entry.asked > SLOW_MS) ||
        (entry.fault?.kind === 'offline' && now - entry.asked > 2000);
      if (!due) continue;
      if (entry.loading) entry.stale = reason === 'all';
      else void this.fetch(entry);
    }
  }

  private async fetch(entry: Entry): Promise<void> {
    entry.loading = true;
    entry.asked = Date.now();
    try {
      entry.data = await getJson(entry.path);
      entry.fault = undefined;
      entry.at = Date.now();
      this.lastOk = entry.at;
      this.failing = false;
    } catch (reason) {
      entry.fault = reason instanceof Fault ? reason : new Fault('refused', 0, String(reason));
      if (entry.fault.kind === 'offline') this.failing = true;
      else {
        this.lastOk = Date.now();
        this.failing = false;
        if (entry.fault.kind !== 'unready') entry.data = undefined;
      }
    }
    entry.loading = false;
    if (entry.stale) {
      entry.stale = false;
      void this.fetch(entry);
    }
    this.changed();
  }
}
