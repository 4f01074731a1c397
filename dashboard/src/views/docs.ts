/* docs.ts - the guides of docs/, built into the page, and the way to the API's own reference. */
import { h, type Child, type VNode } from '../dom';
import { href } from '../router';
import { text } from '../text';
import { empty, known } from '../components/ui';
import type { View } from './view';

declare const __GUIDES__: { name: string; title: string; file: string }[];

type Span = string | ['code', string] | ['b' | 'i', Span[]] | ['a', string, Span[]];
type Block = ['h2' | 'h3' | 'h4', string, Span[]] | ['p', Span[]] | ['pre', string] | ['ul' | 'ol', Span[][]] | ['table', Span[][], Span[][][]];
interface Guide { title: string; blocks: Block[] }

function span(s: Span, i: number): Child {
  if (typeof s === 'string') return s;
  const key = String(i);
  if (s[0] === 'code') return h('code', { key }, s[1]);
  if (s[0] === 'a') return h('a', { key, href: s[1] }, s[2].map(span));
  return h(s[0] === 'b' ? 'strong' : 'em', { key }, s[1].map(span));
}

function block(b: Block, i: number): VNode {
  const key = String(i);
  switch (b[0]) {
    case 'pre': return h('pre', { key, tabindex: '0' }, b[1]);
    case 'p': return h('p', { key }, b[1].map(span));
    case 'ul':
    case 'ol': return h(b[0], { key }, b[1].map((item, k) => h('li', { key: String(k) }, item.map(span))));
    case 'table': return h('div', { key, class: 'table-scroll', role: 'group', tabindex: '0', 'aria-label': text.table }, h('table', null,
      h('thead', null, h('tr', null, b[1].map((c, k) => h('th', { key: String(k), scope: 'col' }, c.map(span))))),
      h('tbody', null, b[2].map((row, r) => h('tr', { key: String(r) }, row.map((c, k) => h('td', { key: String(k) }, c.map(span))))))));
    default: return h(b[0], { key, id: 'doc-' + b[1] }, b[2].map(span));
  }
}

export const docs: View = {
  name: 'docs',
  key: 'd',
  render(c) {
    const book = __GUIDES__.find((g) => g.name === c.about) ?? __GUIDES__[0];
    if (!book) return empty(text.docs.none);
    return h('div', { class: 'docs-layout', key: 'docs' },
      h('nav', { class: 'docs-nav card', 'aria-label': text.docs.guides }, h('h2', null, text.docs.guides),
        __GUIDES__.map((g) => h('a', { key: g.name, href: href('docs', g.name), 'aria-current': g === book ? 'page' : undefined, 'data-row': '' }, g.title)),
        h('a', { href: '/docs' }, text.docs.api), h('a', { href: '/openapi.json' }, text.docs.openapi)),
      h('article', { class: 'guide card', key: book.name }, h('h1', null, book.title), known(c.use<Guide>(`guide ${book.name}`, '/ui/' + book.file, 'once'), (g) => g.blocks.map(block), 16)));
  },
};
