/* settings.ts - the reader's own settings, and the daemon's as it runs with them (read only). */
import { getKey, setKey } from '../api';
import { h, type Child, type VNode } from '../dom';
import { count, number, span, zoneName } from '../format';
import { changePrefs, isAddress, paces, prefs, type Theme } from '../prefs';
import { levelsOf } from '../thresholds';
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

/* A reader's levels: two numbers a metric; a metric whose numbers are the daemon's keeps none of its own. */
function levels(c: Context): VNode {
  const t = text.settings;
  const all = levelsOf(c).levels;
  const metrics = c.contract?.metrics ?? [];
  const keep = (e: Event): void => {
    e.preventDefault();
    const form = new FormData(e.target as HTMLFormElement);
    const own: Record<string, [number, number]> = {};
    for (const m of metrics) {
      const pair = ['warning', 'critical'].map((kind) => String(form.get(`${m.name}.${kind}`) ?? '').trim());
      const [warning, critical] = pair.map(Number);
      if (pair.includes('') || !Number.isFinite(warning) || !Number.isFinite(critical)) continue;
      if (all[m.name]?.[0] !== warning || all[m.name]?.[1] !== critical) own[m.name] = [warning!, critical!];
    }
    changePrefs({ levels: own });
    c.local['levels'] = text.alerts.done;
    c.render();
  };
  const field = (name: string, unit: string, kind: 'warning' | 'critical', i: 0 | 1): VNode => {
    const shown = prefs.levels[name]?.[i] ?? all[name]?.[i];
    return h('label', { class: 'field', key: `${name}.${kind}` }, h('span', { class: 'field-label' }, `${t.level(metricName(name), text.server[kind])} (${unit})`),
      h('input', { name: `${name}.${kind}`, type: 'number', step: 'any', min: '0', value: shown === undefined ? '' : String(shown) }));
  };
  return card(t.levels, [
    h('p', { class: 'help' }, t.levels_help),
    h('form', { class: 'form', key: JSON.stringify(prefs.levels), on: { submit: keep } },
      metrics.flatMap((m) => [field(m.name, m.unit, 'warning', 0), field(m.name, m.unit, 'critical', 1)]),
      h('button', { class: 'button', type: 'submit' }, t.keep),
      Object.keys(prefs.levels).length ? button(t.levels_reset, () => { changePrefs({ levels: {} }); delete c.local['levels']; c.render(); }) : null,
      c.local['levels'] ? h('span', { class: 'result', role: 'status' }, String(c.local['levels'])) : null),
  ], { id: 'levels' });
}

function runbooks(c: Context): VNode {
  const t = text.settings;
  const keep = (e: Event): void => {
    e.preventDefault();
    const address = String(new FormData(e.target as HTMLFormElement).get('runbook') ?? '').trim();
    const good = address === '' || isAddress(address);
    if (good) changePrefs({ runbook: address });
    c.local['runbook'] = good ? text.alerts.done : t.runbook_bad;
    c.render();
  };
  return card(text.remediation.runbook, [
    h('p', { class: 'help' }, t.runbook_help),
    h('form', { class: 'form', on: { submit: keep } },
      h('label', { class: 'field field-wide' }, h('span', { class: 'field-label' }, t.runbook),
        h('input', { name: 'runbook', type: 'text', inputmode: 'url', placeholder: 'https://wiki.example.org/runbooks/{profile}#{metric}', value: prefs.runbook })),
      h('button', { class: 'button', type: 'submit' }, t.keep),
      c.local['runbook'] ? h('span', { class: 'result', role: 'status' }, String(c.local['runbook'])) : null),
  ], { id: 'runbooks' });
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
  render: (c) => [h('h1', { key: 'h' }, text.settings.title), page(c), levels(c), runbooks(c), h('div', { class: 'cards', key: 'cards' }, about(c), contract(c)), daemon(c)],
};
