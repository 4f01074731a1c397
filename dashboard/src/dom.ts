/* dom.ts - the page as a function of its state: h() describes elements, patch() makes the document look like that.
 *
 * A view is a function that returns descriptions. patch() walks old and new descriptions side by side and touches only what
 * differs, so focus, selection and scroll survive an update, and an update of an unchanged page costs comparisons only.
 * Children with a key are matched by it, the others by their place.
 *
 * What draws itself (a chart, a canvas) is an island: patch() leaves its inside alone and tells it about new data.
 *
 * There is no way from text to markup here: texts become text nodes, whatever they contain. Styles are set through the CSS
 * object model, so the page's policy needs no 'unsafe-inline'.
 */
export interface Island<P> {
  update(props: P): void;
  destroy(): void;
}

export type IslandMaker<P> = (host: HTMLElement, props: P) => Island<P>;

type Handler = (event: Event) => void;

export interface Props {
  key?: string | undefined;
  class?: string | undefined;
  on?: Record<string, ((event: never) => void) | undefined>;
  css?: Record<string, string>;
  prop?: Record<string, unknown>; // set as properties: value, checked, indeterminate
  [attribute: string]: unknown;
}

export interface VNode {
  tag: string;
  props: Props;
  kids: Leaf[];
  node?: Element;
  make?: IslandMaker<unknown>;
  island?: Island<unknown>;
  data?: unknown;
  later?: () => Leaf[]; // its children, made only where it is new: else it stays as it stands
}

type Leaf = VNode | string;
export type Child = VNode | string | number | null | undefined | false | Child[];

const SVG = 'http://www.w3.org/2000/svg';
const SVG_TAGS = new Set(['svg', 'g', 'path', 'line', 'rect', 'circle', 'text', 'polyline', 'polygon', 'title:svg']);
const NOT_ATTRIBUTES = new Set(['key', 'class', 'on', 'css', 'prop']);

function flatten(children: Child[], out: Leaf[]): Leaf[] {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === '') continue;
    if (Array.isArray(child)) flatten(child, out);
    else if (typeof child === 'object') out.push(child);
    else {
      const text = String(child);
      const last = out.length - 1;
      // neighbouring texts are one node in the document, so they are one here
      if (last >= 0 && typeof out[last] === 'string') out[last] = (out[last] as string) + text;
      else out.push(text);
    }
  }
  return out;
}

export function h(tag: string, props: Props | null, ...children: Child[]): VNode {
  return { tag, props: props ?? {}, kids: flatten(children, []) };
}

/* An element whose inside belongs to what `make` returns. */
export function island<P>(key: string, className: string, make: IslandMaker<P>, data: P, props: Props = {}): VNode {
  return { tag: 'div', props: { ...props, key, class: className }, kids: [], make: make as IslandMaker<unknown>, data };
}

/* An element that nobody sees at the moment: where it stands already it is neither described nor compared, and stays as it was. */
export const unseen = (tag: string, props: Props, make: () => Child[]): VNode => ({ tag, props, kids: [], later: () => flatten(make(), []) });

/* ---- properties ---------------------------------------------------------------------------------------- */

interface Listening extends Element {
  handlers?: Record<string, Handler | undefined>;
}

/* One listener per kind of event and element, which looks up what is to be called now. */
function dispatch(this: Listening, event: Event): void {
  this.handlers?.[event.type]?.(event);
}

function setHandlers(node: Listening, on: Props['on']): void {
  if (!on && !node.handlers) return;
  const had = node.handlers ?? {};
  const wanted: Record<string, Handler | undefined> = {};
  for (const [type, handler] of Object.entries(on ?? {})) {
    wanted[type] = handler as Handler | undefined;
    if (!(type in had)) node.addEventListener(type, dispatch as Handler);
  }
  for (const type of Object.keys(had)) if (!(type in wanted)) wanted[type] = undefined;
  node.handlers = wanted;
}

function setCss(node: Element, before: Record<string, string>, after: Record<string, string>): void {
  const style = (node as HTMLElement).style;
  for (const name of Object.keys(before)) if (!(name in after)) style.removeProperty(name);
  for (const [name, value] of Object.entries(after)) if (before[name] !== value) style.setProperty(name, value);
}

function setAttribute(node: Element, name: string, value: unknown): void {
  if (value === undefined || value === null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? '' : String(value));
}

function setProps(node: Element, before: Props, after: Props): void {
  if (before.class !== after.class) setAttribute(node, 'class', after.class);
  for (const name of Object.keys(before)) if (!NOT_ATTRIBUTES.has(name) && !(name in after)) node.removeAttribute(name);
  for (const [name, value] of Object.entries(after)) {
    if (!NOT_ATTRIBUTES.has(name) && before[name] !== value) setAttribute(node, name, value);
  }
  if (before.css || after.css) setCss(node, before.css ?? {}, after.css ?? {});
  setHandlers(node, after.on);
  if (after.prop) {
    const target = node as unknown as Record<string, unknown>;
    for (const [name, value] of Object.entries(after.prop)) if (target[name] !== value) target[name] = value;
  }
}

/* ---- making and changing ------------------------------------------------------------------------------- */

/* Islands that have been made room for: they are started once their place is in the document, where it has a size and where
 * a dialog may open. */
let born: VNode[] = [];

function create(leaf: Leaf): Node {
  if (typeof leaf === 'string') return document.createTextNode(leaf);
  const node = SVG_TAGS.has(leaf.tag) ? document.createElementNS(SVG, leaf.tag) : document.createElement(leaf.tag);
  leaf.node = node;
  if (leaf.later) leaf.kids = leaf.later();
  for (const kid of leaf.kids) node.appendChild(create(kid));
  setProps(node, {}, leaf.props); // after the children: a select's value needs its options
  if (leaf.make) born.push(leaf);
  return node;
}

function dispose(leaf: Leaf): void {
  if (typeof leaf === 'string') return;
  leaf.island?.destroy();
  for (const kid of leaf.kids) dispose(kid);
}

const keyOf = (leaf: Leaf): string | undefined => (typeof leaf === 'string' ? undefined : leaf.props.key);

function alike(a: Leaf, b: Leaf): boolean {
  if (typeof a === 'string' || typeof b === 'string') return typeof a === typeof b;
  return a.tag === b.tag && a.props.key === b.props.key && a.make === b.make;
}

function update(node: Node, before: Leaf, after: Leaf): void {
  if (before === after) return; // the same description, kept (memo.ts)
  if (typeof before === 'string' || typeof after === 'string') {
    if (before !== after) node.nodeValue = after as string;
    return;
  }
  after.node = node as Element;
  if (after.later) {
    after.kids = before.kids;
    after.props = before.props;
    return;
  }
  if (after.make) {
    setProps(after.node, before.props, after.props);
    if (!before.island) {
      born.push(after); // it could not start the last time
      return;
    }
    after.island = before.island;
    after.island.update(after.data);
    return;
  }
  patchKids(after.node, before.kids, after.kids);
  setProps(after.node, before.props, after.props);
}

function patchKids(parent: Node, before: Leaf[], after: Leaf[]): void {
  const nodes = [...parent.childNodes];
  const byKey = new Map<string, number>();
  before.forEach((leaf, i) => {
    const key = keyOf(leaf);
    if (key !== undefined) byKey.set(key, i);
  });
  const used = new Set<number>();
  let place = 0; // the next old child without a key
  let cursor: Node | null = parent.firstChild;
  for (const leaf of after) {
    const key = keyOf(leaf);
    let from = -1;
    if (key !== undefined) from = byKey.get(key) ?? -1;
    else {
      while (place < before.length && (keyOf(before[place]!) !== undefined || used.has(place))) place++;
      if (place < before.length) from = place;
    }
    const old = from >= 0 && !used.has(from) ? before[from]! : undefined;
    if (old !== undefined && alike(old, leaf)) {
      const node = nodes[from]!;
      used.add(from);
      if (node === cursor) cursor = cursor.nextSibling;
      else parent.insertBefore(node, cursor);
      update(node, old, leaf);
    } else {
      parent.insertBefore(create(leaf), cursor);
      // what stood in this place and is something else now goes away below
      if (key === undefined && from >= 0) place++;
    }
  }
  before.forEach((leaf, i) => {
    if (used.has(i)) return;
    dispose(leaf);
    parent.removeChild(nodes[i]!);
  });
}

/* Makes the inside of `host` look like `after`; returns it, to be given as `before` the next time. */
export function patch(host: Element, before: Leaf[], after: Child[]): Leaf[] {
  const wanted = flatten(after, []);
  patchKids(host, before, wanted);
  const starting = born;
  born = [];
  for (const leaf of starting) leaf.island = leaf.make!(leaf.node as HTMLElement, leaf.data);
  return wanted;
}
