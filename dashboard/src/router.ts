/* router.ts - where the reader is: view, what it is about, and its settings, all of it in the address.
 *
 *     #/server/ppdb001?metric=cpu_pct&overlay=week
 *       └view─┘└─about─┘ └──────params───────────┘
 *
 * The address is the only place that holds the state of a view: every state can be linked to, and the back button goes
 * back through them. Values are percent-encoded, so a server may be called anything.
 */
export interface Place {
  view: string;
  about: string; // "" where the view is about nothing in particular
  params: Record<string, string>;
}

export function parsePlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const slash = path.indexOf('/');
  const params: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) params[name] = value;
  return { view: decode(slash < 0 ? path : path.slice(0, slash)) || 'overview', about: slash < 0 ? '' : decode(path.slice(slash + 1)), params };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // an address that somebody typed
  }
}

/* The address of a place; empty values are left out. */
export function href(view: string, about = '', params: Record<string, string | undefined> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== '') query.set(name, value);
  const tail = query.toString();
  return `#/${view}${about ? '/' + encodeURIComponent(about) : ''}${tail ? '?' + tail : ''}`;
}

export const serverHref = (name: string, params: Record<string, string | undefined> = {}): string => href('server', name, params);

export const here = (): Place => parsePlace(location.hash);

/* Changes settings of the view that is shown. `push`: the back button comes back to before. */
export function setParams(change: Record<string, string | undefined>, push = false): void {
  const place = here();
  const to = href(place.view, place.about, { ...place.params, ...change });
  if (to === location.hash) return;
  if (push) location.hash = to;
  else {
    history.replaceState(null, '', to);
    dispatchEvent(new HashChangeEvent('hashchange'));
  }
}

export function go(to: string): void {
  location.hash = to;
}
