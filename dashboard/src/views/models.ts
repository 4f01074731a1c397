/* models.ts - which model serves, since when, which others there are; promoting and rolling back where the key may. */
import { Fault, send } from '../api';
import { h, type Child, type VNode } from '../dom';
import { href } from '../router';
import { count, dateClock, number, words } from '../format';
import { text } from '../text';
import type { Server, Status } from '../types';
import { button, card, chip, empty, fact, facts, faultState, known } from '../components/ui';
import { table } from '../components/table';
import type { Context, View } from './view';

interface Model {
  id?: string;
  name?: string;
  role?: string;
  status?: string;
  trained_at?: string | null;
  parameters?: number | null;
  validation_loss?: number | null;
  valid?: boolean;
  reason?: string | null;
}

const idOf = (m: Model): string => m.id ?? m.name ?? '';

/* Says what is under way, and then how it went; meanwhile nothing else can be pressed. The reply is the model that it was about. */
async function act(c: Context, method: string, path: string, label: string, about: string, after: (id: string) => string): Promise<void> {
  const say = (result: string, failed: boolean, busy: boolean): void => {
    Object.assign(c.local, { result, failed, busy });
    c.render();
  };
  delete c.local['sure'];
  say(text.models.doing(label, about), false, true);
  try {
    const reply = await send<Model>(method, path);
    say(after(reply ? idOf(reply) : about), false, false);
  } catch (reason) {
    say(text.alerts.failed(reason instanceof Fault && reason.kind === 'denied' ? text.state.denied : reason instanceof Error ? reason.message : String(reason)), true, false);
  }
  c.changed();
}

/* A shadow forecasts beside the one that serves, and is scored; stopping it changes nothing for anybody, so it is not asked twice. */
function shadowing(c: Context, m: Model, role: string): Child {
  const t = text.models;
  const runs = role === 'shadow';
  const label = runs ? t.stop : t.load;
  return button(label, () => void act(c, runs ? 'DELETE' : 'POST', `/api/v1/models/${encodeURIComponent(idOf(m))}/load`, label, idOf(m), runs ? t.stopped : t.loaded),
    { class: 'button button-small', 'aria-label': `${label}: ${idOf(m)}`, disabled: c.local['busy'] === true });
}

/* Asks once more on the spot: two clicks for what changes the whole fleet's forecasts. */
function careful(c: Context, label: string, what: string, run: () => void): VNode {
  const key = label + what;
  if (c.local['sure'] !== key) return button(label, () => { c.local['sure'] = key; c.render(); }, { class: 'button button-small', disabled: c.local['busy'] === true, 'aria-label': what ? `${label}: ${what}` : undefined });
  return h('span', { class: 'row-actions' }, text.models.confirm(label, what), button(text.models.yes, run, { class: 'button button-small button-main' }), button(text.models.no, () => { delete c.local['sure']; c.render(); }, { class: 'button button-small' }));
}

function list(c: Context, models: Model[]): VNode {
  const t = text.models;
  const role = (m: Model): string => m.role ?? m.status ?? (m.valid === false ? 'invalid' : 'available');
  return table<Model>({
    id: 'models', caption: t.title, rows: models, rowKey: idOf, params: c.params, first: 50,
    columns: [
      { key: 'id', head: t.id, cell: (m) => h('code', null, idOf(m)), value: idOf },
      { key: 'role', head: t.status, cell: (m) => [chip(role(m) === 'served' ? 'ok' : 'quiet', t.roles[role(m)] ?? words(role(m))), m.reason ? h('span', { class: 'sub' }, m.reason) : null], value: role },
      { key: 'trained', head: t.trained, narrow: true, cell: (m) => dateClock(m.trained_at), value: (m) => m.trained_at },
      { key: 'parameters', head: t.parameters, number: true, narrow: true, cell: (m) => count(m.parameters), value: (m) => m.parameters },
      { key: 'loss', head: t.loss, number: true, narrow: true, cell: (m) => number(m.validation_loss), value: (m) => m.validation_loss },
      { key: 'do', bare: true, head: text.words.actions, cell: (m) => (role(m) === 'served' || m.valid === false ? null : h('span', { class: 'row-actions' },
        shadowing(c, m, role(m)), careful(c, t.promote, idOf(m), () => void act(c, 'POST', `/api/v1/models/${encodeURIComponent(idOf(m))}/promote`, t.promote, idOf(m), t.promoted)))) },
    ],
  });
}

export const models: View = {
  name: 'models',
  key: 'l',
  render(c) {
    const t = text.models;
    const status = c.use<Status>('status', '/status', 'live');
    const reply = c.use<{ items?: Model[]; models?: Model[] }>('models', '/api/v1/models', 'slow');
    const servers: Server[] = c.servers().data?.items ?? [];
    const tft = servers.filter((s) => s.model_type === 'TFT').length;
    return [
      h('div', { class: 'view-head', key: 'head' }, h('h1', null, t.title), h('p', { class: `result ${c.local['failed'] ? 'result-bad' : ''}`, role: 'status' }, (c.local['result'] as string) ?? '')),
      card(t.serving, known(status, (s) => (s.model && s.model.name !== 'none' && s.model.name
        ? facts(fact(text.words.model, h('code', null, s.model.name)), fact(t.contract, s.model.contract_version), fact(t.status, t.forecasters(tft, servers.length - tft)), fact(text.overview.forecast_made, dateClock(s.last_forecast_at)))
        : empty(t.none, t.none_help))), { id: 'serving' }),
      card(t.title, reply.fault?.kind === 'absent' ? faultState(reply.fault) : [known(reply, (data) => list(c, data.items ?? data.models ?? [])), careful(c, t.rollback, '', () => void act(c, 'POST', '/api/v1/models/rollback', t.rollback, '', t.promoted))], { id: 'all', aside: h('a', { href: href('quality', '', { by: 'model' }) }, t.compare) }),
    ];
  },
};
