/* all.ts - every view, in the order of the navigation. */
import { alerts } from './alerts';
import { capacity } from './capacity';
import { docs } from './docs';
import { heatmap } from './heatmap';
import { historyView } from './history';
import { models } from './models';
import { overview } from './overview';
import { quality } from './quality';
import { remediation } from './remediation';
import { server } from './server';
import { settings } from './settings';
import { top } from './top';
import type { View } from './view';

export const GROUPS: readonly (readonly [string, readonly View[]])[] = [
  ['watch', [overview, heatmap, top, alerts]],
  ['understand', [historyView, quality, models]],
  ['act', [capacity, remediation]],
  ['system', [settings, docs]],
];

export const ALL: readonly View[] = [...GROUPS.flatMap(([, views]) => views), server];

export const findView = (name: string): View => ALL.find((v) => v.name === name) ?? overview;
