/* settings.ts - the reader's own settings, and the daemon's as it runs with them (read only). */
import { getKey, setKey } from '../api';
import { h, type Child, type VNode } from '../dom';
import { count, number, span, zoneName } from '../format';
import { changePrefs, paces, prefs, type Theme } from '../prefs';
import { metricName, text } from '../text';
import type { Status } from '../types';
import { button, card, fact, facts, known, select, faultState } from '../components/ui';
import { table } from '../components/table';
import type { Context, View } from './view';

interface Config { items?: { key?: string; name?: string; value: unknown; source?: string }[]; settings?: Record<string, unknown> }

function page(c: Context): VNode {
  const t = text.settings;
  const set = (change: Parameters<typeof changePrefs>[0]): void => {
    changePrefs(change);
    c.render();
  };
  const submit = (e: Event): void => {
    e.preventDefault();
    setKey(String(new FormData(e.target as HTMLFormElement).get('key') ?? '').trim());
    dispatchEvent(new Event('tftd:key'));
    c.render();
  };
  return card(t.page, h('div', { class: 'form' },
    select(t.theme, prefs.theme, { auto: text.bar.theme_auto, light: text.bar.theme_light, dark: text.bar.theme_dark }, (v) => set({ theme: v as Theme })),
    select(t.zone, prefs.zone, { local: t.zone_local(Intl.DateTimeFormat().resolvedOptions().timeZone), utc: t.zone_utc }, (v) => set({ zone: v === 'utc' ? 'utc' : 'local' })),
    select(t.pace, String(prefs.pace), paces.map((s): [string, string] => [String(s), s ? span(s) : t.pace_live]), (v) => set({ pace: Number(v) })),
    select(t.shortcuts, prefs.shortcuts ? 'on' : 'off', { on: t.on, off: t.off }, (v) => set({ shortcuts: v === 'on' })),
    h('form', { class: 'form', on: { submit } },
      h('label', { class: 'field' }, h('span', { class: 'field-label' }, t.key), h('input', { name: 'key', type: 'password', autocomplete: 'off', placeholder: getKey() ? '••••••' : '' })),
      h('button', { class: 'button', type: 'submit' }, t.save),
      getKey() ? button(t.forget, () => { setKey(''); dispatchEvent(new Event('tftd:key')); c.render(); }) : null,
      h('p', { class: 'help' }, t.key_help))), { id: 'page' });
}

function about(c: Context): VNode {
  const t = text.settings;
  const status = c.use<Status>('status', '/status', 'live');
  const version = c.use<Record<string, unknown>>('version', '/api/v1/version', 'once').data;
  return card(t.about, [
    known(status, (s) => facts(
      fact(t.version, s.version), fact(t.uptime, span(s.uptime_s)), fact(text.overview.model, s.model?.name ?? text.none), fact(text.overview.ingest, count(s.records_total)),
      fact(text.words.records, count(s.window_size)), fact(text.overview.rejected, count(s.rejected_total)), fact(text.bar.zone('').split(' ')[0] ?? '', zoneName()),
      Object.entries(version ?? {}).filter(([k, v]) => typeof v === 'string' && k !== 'version').map(([k, v]) => fact(k.replaceAll('_', ' '), String(v))))),
    h('details', null, h('summary', null, t.raw), h('pre', { tabindex: '0' }, JSON.stringify(status.data ?? {}, null, 2))),
  ], { id: 'about' });
}

function daemon(c: Context): VNode {
  const t = text.settings;
  const reply = c.use<Config>('config', '/api/v1/config', 'slow');
  const rows = (config: Config): { key: string; value: string; source: string }[] =>
    (config.items ?? Object.entries(config.settings ?? config).map(([key, v]) => ({ key, ...(typeof v === 'object' && v !== null && 'value' in v ? (v as { value: unknown; source?: string }) : { value: v }) }))).map((i) => ({
      key: i.key ?? ('name' in i ? String(i.name) : ''), value: typeof i.value === 'string' ? i.value : JSON.stringify(i.value), source: ('source' in i && i.source) || '',
    }));
  const body: Child = reply.fault?.kind === 'absent' ? [faultState(reply.fault), h('p', { class: 'help' }, t.default_help)] : known(reply, (config) => table({
    id: 'config', caption: t.daemon, rows: rows(config), rowKey: (r) => r.key, params: c.params, first: 200, sort: 'key,asc',
    columns: [
      { key: 'key', head: t.setting, cell: (r) => h('code', null, r.key), value: (r) => r.key },
      { key: 'value', head: text.words.value, cell: (r) => r.value, value: (r) => r.value },
      { key: 'source', head: t.source, cell: (r) => r.source, value: (r) => r.source },
    ],
  }));
  return card(t.daemon, [h('p', { class: 'help' }, t.daemon_help), body], { id: 'daemon' });
}

function contract(c: Context): VNode {
  return card(text.models.contract, table({
    id: 'contract', caption: text.models.contract, rows: c.contract?.metrics ?? [], rowKey: (m) => m.name, params: c.params,
    columns: [
      { key: 'name', head: text.words.metric, cell: (m) => [metricName(m.name), ' ', h('code', null, m.name)], value: (m) => m.name },
      { key: 'unit', head: text.words.unit, cell: (m) => m.unit, value: (m) => m.unit },
      { key: 'range', head: text.models.range, number: true, cell: (m) => `${number(m.min)} – ${number(m.max)}`, value: (m) => `${m.min} – ${m.max}` },
    ],
  }), { id: 'contract' });
}

export const settings: View = {
  name: 'settings',
  key: 's',
  render: (c) => [h('h1', { key: 'h' }, text.settings.title), page(c), h('div', { class: 'cards', key: 'cards' }, about(c), contract(c)), daemon(c)],
};
