/* events.ts - news from GET /api/v1/events, read with fetch() because an EventSource cannot carry a key.
 *
 * The stream is read as the HTML standard says (§9.2): fields by lines, an empty line ends an event. After a break
 * it is asked for again with Last-Event-ID, after 1, 2, 4 … 15 s.
 */
import { headers } from './api';

export interface News {
  kind: string;
  data: string;
}

export type StreamState = 'connecting' | 'open' | 'broken' | 'absent';

export class EventStream {
  private stop: AbortController | null = null;
  private lastId = '';
  private wait = 1000;
  private timer = 0;

  constructor(
    private readonly path: string,
    private readonly onNews: (news: News) => void,
    private readonly onState: (state: StreamState) => void,
  ) {}

  open(): void {
    if (this.stop) return;
    this.stop = new AbortController();
    void this.read(this.stop.signal);
  }

  close(): void {
    clearTimeout(this.timer);
    this.stop?.abort();
    this.stop = null;
  }

  private again(): void {
    this.stop = null;
    this.onState('broken');
    this.timer = window.setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(2 * this.wait, 15000);
  }

  private async read(signal: AbortSignal): Promise<void> {
    this.onState('connecting');
    try {
      const reply = await fetch(this.path, {
        headers: headers({ Accept: 'text/event-stream', ...(this.lastId ? { 'Last-Event-ID': this.lastId } : {}) }),
        signal,
        cache: 'no-store',
      });
      if (!reply.ok || !reply.body) {
        this.stop = null;
        if (reply.status === 404 || reply.status === 401 || reply.status === 403) this.onState('absent');
        else this.again();
        return;
      }
      this.onState('open');
      this.wait = 1000;
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        rest = this.take(rest + value);
      }
    } catch {
      // broken off, or closed by us
    }
    if (!signal.aborted) this.again();
  }

  /* Hands out the whole events of `buffer`, returns what is left over. */
  private take(buffer: string): string {
    const parts = buffer.split(/\r?\n\r?\n/);
    const rest = parts.pop() ?? '';
    for (const part of parts) {
      let kind = 'message';
      const data: string[] = [];
      for (const line of part.split(/\r?\n/)) {
        const colon = line.indexOf(':');
        if (colon <= 0) continue;
        const field = line.slice(0, colon);
        const value = line.slice(colon + 1).replace(/^ /, '');
        if (field === 'event') kind = value;
        else if (field === 'data') data.push(value);
        else if (field === 'id') this.lastId = value;
      }
      if (data.length > 0) this.onNews({ kind, data: data.join('\n') });
    }
    return rest;
  }
}
