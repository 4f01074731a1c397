/* api.ts - the page's only way to data: the public API on its own origin, with the reader's key where one is needed.
 *
 * A reply is data or a fault; a fault says which kind it is, because the page says something different for each: the daemon
 * is not there, it does not offer this, the key may not, the request was wrong.
 */
export type FaultKind = 'offline' | 'absent' | 'denied' | 'unready' | 'refused';

export class Fault extends Error {
  constructor(
    readonly kind: FaultKind,
    readonly status: number,
    message: string,
    readonly slug = '',
  ) {
    super(message);
  }
}

const KEY = 'tftd.key';
const TIMEOUT_MS = 15000;

export const getKey = (): string => sessionStorage.getItem(KEY) ?? '';
export function setKey(key: string): void {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

export function headers(more: Record<string, string> = {}): Record<string, string> {
  const key = getKey();
  return key ? { 'X-API-Key': key, ...more } : more;
}

interface Problem {
  type?: string;
  title?: string;
  detail?: unknown;
}

async function toFault(reply: Response): Promise<Fault> {
  let problem: Problem = {};
  try {
    problem = (await reply.json()) as Problem;
  } catch {
    // no JSON: the status says enough
  }
  const slug = (problem.type ?? '').split('/').pop() ?? '';
  const detail = typeof problem.detail === 'string' ? problem.detail : (problem.title ?? reply.statusText);
  const kind: FaultKind =
    reply.status === 401 || reply.status === 403 ? 'denied'
    : reply.status === 404 && (slug === 'not-found' || detail === 'Not Found') ? 'absent'
    : reply.status === 405 ? 'absent'
    : reply.status === 503 ? 'unready'
    : 'refused';
  return new Fault(kind, reply.status, detail, slug);
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(path, { ...init, signal: init.signal ?? AbortSignal.timeout(TIMEOUT_MS), cache: 'no-cache', credentials: 'same-origin' });
  } catch (reason) {
    throw new Fault('offline', 0, String(reason));
  }
  if (!reply.ok) throw await toFault(reply);
  return reply;
}

export async function getJson<T>(path: string): Promise<T> {
  const reply = await ask(path, { headers: headers({ Accept: 'application/json' }) });
  return (await reply.json()) as T;
}

export async function send<T>(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<T | null> {
  const reply = await ask(path, {
    method,
    headers: headers({ Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...more }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await reply.text();
  return answer ? (JSON.parse(answer) as T) : null;
}

/* Fetches with the key and hands the bytes to the browser as a file. */
export async function download(path: string, name: string): Promise<void> {
  const reply = await ask(path, { headers: headers({ Accept: 'text/csv' }), signal: AbortSignal.timeout(120000) });
  saveBlob(await reply.blob(), name);
}

export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/* "?a=1&b=2" of what is given. */
export function query(values: Record<string, string | number | undefined>): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') parts.set(name, String(value));
  const tail = parts.toString();
  return tail ? '?' + tail : '';
}
