/* view.ts - what a view is: a name, and a function from what is known to what is shown. */
import type { Child } from '../dom';
import type { Memo } from '../memo';
import type { Pace, Known } from '../store';
import type { Contract, Server } from '../types';

export interface Context {
  about: string;
  params: Record<string, string>;
  now: number; // the daemon's clock: of the wall, or of the data while it replays
  dark: boolean;
  contract: Contract | undefined;
  use<T>(slot: string, path: string, pace: Pace): Known<T>;
  changed(): void; // something was written: ask again
  memo: Memo; // of this view's results: it keeps those that each rendering asks for
  local: Record<string, unknown>; // what a view keeps while it is shown and that belongs into no address
  render(): void;
  servers(): Known<{ items: Server[]; total: number }>;
}

export interface View {
  name: string;
  key: string; // the letter after g
  render(context: Context): Child;
}

export const unitOf = (contract: Contract | undefined, metric: string): string => contract?.metrics.find((m) => m.name === metric)?.unit ?? '';
