/* dialogs.ts - the two windows above the page: find a server or a view, and the list of keys. */
import { island, type Child, type Island } from './dom';
import { go, href, serverHref } from './router';
import { text } from './text';
import type { Server } from './types';
import { ALL } from './views/all';
import type { Context } from './views/view';

type Kind = 'search' | 'keys';
let open: Kind | null = null;
let wake: () => void = () => undefined;

export function openDialog(kind: Kind): void {
  open = kind;
  wake();
}
export const dialogOpen = (): boolean => open !== null;

/* A modal <dialog>: the browser keeps focus inside and closes it with Escape. */
function modal(host: HTMLElement, label: string, fill: (dialog: HTMLDialogElement) => void): Island<unknown> {
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-label', label);
  const gone = (): void => {
    open = null;
    wake();
  };
  dialog.addEventListener('close', gone);
  dialog.addEventListener('click', (e) => {
    if (e.target === dialog) dialog.close();
  });
  host.append(dialog);
  fill(dialog);
  dialog.showModal();
  return {
    update: () => undefined,
    destroy: () => {
      dialog.removeEventListener('close', gone);
      dialog.close();
    },
  };
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, content = ''): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = content;
  return node;
}

const MAX_FOUND = 50;

function searchDialog(host: HTMLElement, servers: Server[]): Island<unknown> {
  return modal(host, text.search.title, (dialog) => {
    dialog.className = 'search';
    const input = element('input', 'search-input');
    const list = element('ul', 'search-list');
    const said = element('p', 'search-count muted');
    input.type = 'search';
    input.placeholder = text.search.placeholder;
    input.autocomplete = 'off';
    input.spellcheck = false;
    const set = (node: Element, attributes: Record<string, string>): void => Object.entries(attributes).forEach(([k, v]) => node.setAttribute(k, v));
    set(input, { 'aria-label': text.search.placeholder, role: 'combobox', 'aria-controls': 'found', 'aria-expanded': 'true', 'aria-autocomplete': 'list' });
    set(list, { id: 'found', role: 'listbox', 'aria-label': text.search.title });
    said.setAttribute('role', 'status');
    let targets: string[] = [];
    let at = 0;
    const mark = (): void => {
      [...list.children].forEach((li, i) => li.setAttribute('aria-selected', String(i === at)));
      list.children[at]?.scrollIntoView({ block: 'nearest' });
      if (targets.length) input.setAttribute('aria-activedescendant', `found-${at}`);
      else input.removeAttribute('aria-activedescendant');
    };
    const take = (target: string | undefined): void => {
      if (target === undefined) return;
      dialog.close();
      go(target);
    };
    const find = (): void => {
      const wanted = input.value.trim().toLowerCase();
      const views = ALL.filter((v) => v.name !== 'server' && text.nav[v.name as keyof typeof text.nav].toLowerCase().includes(wanted));
      const names = servers.filter((s) => s.server_name.toLowerCase().includes(wanted) || s.profile.includes(wanted));
      const found = [
        ...names.slice(0, MAX_FOUND).map((s) => ({ to: serverHref(s.server_name), name: s.server_name, kind: s.profile.replaceAll('_', ' ') })),
        ...views.map((v) => ({ to: href(v.name), name: text.nav[v.name as keyof typeof text.nav], kind: text.search.views })),
      ];
      targets = found.map((f) => f.to);
      at = 0;
      list.replaceChildren(
        ...found.map((f, i) => {
          const li = element('li', 'search-hit');
          set(li, { role: 'option', id: `found-${i}` });
          li.append(element('bdi', 'name', f.name), element('span', 'muted', f.kind));
          li.addEventListener('click', () => take(f.to));
          return li;
        }),
      );
      said.textContent = found.length ? text.search.results(names.length + views.length) : text.search.nothing;
      mark();
    };
    input.addEventListener('input', find);
    input.addEventListener('keydown', (e) => {
      if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
        e.preventDefault();
        at = (at + (e.key === 'ArrowDown' ? 1 : targets.length - 1)) % Math.max(1, targets.length);
        mark();
      } else if (e.key === 'Enter') {
        e.preventDefault();
        take(targets[at]);
      }
    });
    dialog.append(input, list, said);
    find();
  });
}

function keysDialog(host: HTMLElement): Island<unknown> {
  return modal(host, text.keys.title, (dialog) => {
    dialog.className = 'keys';
    const rows: [string, string][] = [
      ['/', text.keys.search], ['?', text.keys.help], ['j  k', text.keys.move], ['t', text.keys.theme], ['z', text.keys.zone], ['p', text.keys.pause],
      ['g', text.keys.goto], ...ALL.filter((v) => v.key).map((v): [string, string] => [`g ${v.key}`, text.nav[v.name as keyof typeof text.nav]]), ['Esc', text.keys.escape],
    ];
    const list = element('dl', 'key-list');
    for (const [key, what] of rows) {
      const dt = element('dt', '');
      dt.append(element('kbd', '', key));
      list.append(dt, element('dd', '', what));
    }
    const close = element('button', 'button', text.close);
    close.type = 'button';
    close.addEventListener('click', () => dialog.close());
    dialog.append(element('h2', '', text.keys.title), list, close);
  });
}

export function dialogs(context: Context, schedule: () => void): Child {
  wake = schedule;
  if (open === 'keys') return island('keys', 'dialog-host', keysDialog, undefined);
  if (open !== 'search') return null;
  const servers = context.servers();
  if (!servers.data && !servers.fault) return null; // opens with the list
  return island('search', 'dialog-host', searchDialog, servers.data?.items ?? []);
}
