/* ui.ts - the small parts that every view is made of. */
import type { Fault } from '../api';
import { h, type Child, type VNode } from '../dom';
import { percent, words } from '../format';
import { serverHref } from '../router';
import type { Known } from '../store';
import { text } from '../text';

export const serverLink = (name: string, params: Record<string, string> = {}): VNode =>
  h('a', { class: 'name', href: serverHref(name, params), title: name, 'data-row': '' }, h('bdi', null, name));

export function card(title: Child, body: Child, options: { id?: string; aside?: Child; class?: string } = {}): VNode {
  return h('section', { class: `card ${options.class ?? ''}`, key: options.id, 'aria-labelledby': options.id ? `h-${options.id}` : undefined },
    h('header', { class: 'card-head' },
      h('h2', { id: options.id ? `h-${options.id}` : undefined }, title),
      options.aside ? h('div', { class: 'card-aside' }, options.aside) : null),
    body);
}

export const chip = (kind: string, label: Child, title?: string): VNode => h('span', { class: `chip chip-${kind}`, title }, label);

export const priorityChip = (priority: string | undefined): VNode => (priority ? chip(priority.toLowerCase(), priority) : h('span', null, text.none));

/* A shape beside each word, so that nothing hangs on colour alone. */
const STATE_KIND: Record<string, string> = {
  critical_issue: 'bad', offline: 'bad', heavy_load: 'warn', recovery: 'info', morning_spike: 'info', maintenance: 'quiet', idle: 'quiet', healthy: 'ok',
};
const SHAPE: Record<string, string> = { bad: '■', warn: '▲', info: '◆', quiet: '○', ok: '●' };
export function stateLabel(state: string | null, stale = false): VNode {
  const kind = stale ? 'quiet' : (STATE_KIND[state ?? ''] ?? 'quiet');
  return h('span', { class: `state state-${kind}` }, h('span', { class: 'shape', 'aria-hidden': 'true' }, SHAPE[kind]), words(state));
}

export const severityLabel = (severity: string): VNode =>
  h('span', { class: `state state-${severity === 'critical' ? 'bad' : 'warn'}` },
    h('span', { class: 'shape', 'aria-hidden': 'true' }, severity === 'critical' ? '■' : '▲'), severity);

/* A bar of 0 … 100 with its figure. */
export function riskBar(score: number | null | undefined): VNode {
  if (score === null || score === undefined) return h('span', { class: 'bar-none' }, text.none);
  const level = score >= 70 ? 'high' : score >= 50 ? 'mid' : score >= 30 ? 'low' : 'calm';
  return h('span', { class: 'bar' },
    h('span', { class: 'bar-figure' }, String(Math.round(score))),
    h('span', { class: 'bar-track', 'aria-hidden': 'true' }, h('span', { class: `bar-fill bar-${level}`, css: { width: `${Math.max(1, Math.min(100, score))}%` } })));
}

export const chance = (p: number | null | undefined): VNode => h('span', { class: p !== null && p !== undefined && p >= 0.3 ? 'strong' : '' }, percent(p));

/* ---- choices ------------------------------------------------------------------------------------------- */

export function select(label: string, value: string, options: Record<string, string> | [string, string][], onChange: (value: string) => void): VNode {
  const pairs = Array.isArray(options) ? options : Object.entries(options);
  return h('label', { class: 'field' }, h('span', { class: 'field-label' }, label),
    h('select', { prop: { value }, on: { change: (e: Event) => onChange((e.target as HTMLSelectElement).value) } },
      pairs.map(([v, name]) => h('option', { value: v, key: v, selected: v === value }, name))));
}

export function tabs(label: string, value: string, options: Record<string, string>, onChange: (value: string) => void): VNode {
  return h('div', { class: 'tabs', role: 'group', 'aria-label': label },
    Object.entries(options).map(([v, name]) =>
      h('button', { key: v, type: 'button', class: 'tab', 'aria-pressed': String(v === value), on: { click: () => onChange(v) } }, name)));
}

export const button = (label: Child, onClick: () => void, props: Record<string, unknown> = {}): VNode =>
  h('button', { type: 'button', class: 'button', ...props, on: { click: onClick } }, label);

/* ---- states of a question ------------------------------------------------------------------------------ */

export const empty = (what: string, help?: Child): VNode => h('div', { class: 'empty' }, h('p', { class: 'empty-what' }, what), help ? h('p', { class: 'empty-help' }, help) : null);

export function faultState(fault: Fault): VNode {
  switch (fault.kind) {
    case 'absent': return empty(text.state.absent, text.state.absent_help);
    case 'denied': return empty(text.state.denied, text.state.denied_help);
    case 'unready': return empty(text.state.unready, text.state.unready_help);
    case 'offline': return empty(text.state.offline, text.state.offline_help);
    default: return empty(text.state.refused(fault.message));
  }
}

export const skeleton = (lines = 4): VNode =>
  h('div', { class: 'skeleton', 'aria-busy': 'true' }, h('span', { class: 'sr' }, text.loading), Array.from({ length: lines }, (_, i) => h('div', { key: String(i), class: 'skeleton-line' })));

/* What is known, drawn; else why not. */
export function known<T>(value: Known<T>, draw: (data: T) => Child, lines = 4): Child {
  if (value.data !== undefined) return draw(value.data);
  if (value.fault) return faultState(value.fault);
  return skeleton(lines);
}

/* Whether all of these have been answered once. A view that is drawn then is drawn in one piece: nothing jumps while its parts come. */
export const answered = (...all: Known<unknown>[]): boolean => all.every((k) => k.data !== undefined || k.fault !== undefined);

export const fact = (name: string, value: Child, title?: string): VNode => h('div', { class: 'fact', key: name }, h('dt', null, name), h('dd', { title }, value));
export const facts = (...list: Child[]): VNode => h('dl', { class: 'facts' }, ...list);
