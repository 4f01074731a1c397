/* prefs.ts - what the reader likes, kept in this browser: theme, time zone, pace, single-key shortcuts. */
import { setZone, type Zone } from './format';

export type Theme = 'auto' | 'light' | 'dark';

export interface Prefs {
  theme: Theme;
  zone: Zone;
  pace: number; // seconds between refreshes; 0 = live
  shortcuts: boolean;
  levels: Record<string, [number, number]>; // metric → warning and critical, drawn on charts instead of the daemon's
  runbook: string; // address with {profile}, {metric}, {server}; '' = the built-in guide
}

const PLACE = 'tftd.prefs';
const PACES = [0, 5, 10, 30, 60, 120, 300] as const;
export const paces: readonly number[] = PACES;

/* Only these become links: a script in an address would run in this page's name. */
export const isAddress = (s: string): boolean => /^https?:\/\/[^\s]+$/.test(s);

function pairsOf(kept: object): Record<string, [number, number]> {
  const pairs = Object.entries(kept).filter((e): e is [string, [number, number]] => Array.isArray(e[1]) && e[1].length === 2 && e[1].every((v) => typeof v === 'number' && Number.isFinite(v)));
  return Object.fromEntries(pairs.slice(0, 100));
}

function load(): Prefs {
  const prefs: Prefs = { theme: 'auto', zone: 'local', pace: 0, shortcuts: true, levels: {}, runbook: '' };
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? '{}') as Partial<Record<keyof Prefs, unknown>>;
    if (kept.theme === 'light' || kept.theme === 'dark') prefs.theme = kept.theme;
    if (kept.zone === 'utc') prefs.zone = 'utc';
    if (typeof kept.pace === 'number' && paces.includes(kept.pace)) prefs.pace = kept.pace;
    if (kept.shortcuts === false) prefs.shortcuts = false;
    if (typeof kept.levels === 'object' && kept.levels !== null) prefs.levels = pairsOf(kept.levels);
    if (typeof kept.runbook === 'string' && isAddress(kept.runbook)) prefs.runbook = kept.runbook;
  } catch {
    // another page's leftovers: the defaults hold
  }
  return prefs;
}

export const prefs: Prefs = load();

const dark = matchMedia('(prefers-color-scheme: dark)');
export const isDark = (): boolean => prefs.theme === 'dark' || (prefs.theme === 'auto' && dark.matches);

export function applyPrefs(): void {
  document.documentElement.dataset['theme'] = isDark() ? 'dark' : 'light';
  setZone(prefs.zone);
}

export function changePrefs(change: Partial<Prefs>): void {
  Object.assign(prefs, change);
  try {
    localStorage.setItem(PLACE, JSON.stringify(prefs));
  } catch {
    // private browsing: they hold as long as the page
  }
  applyPrefs();
}

export const onSystemTheme = (call: () => void): void => dark.addEventListener('change', call);
