/* live.ts - when the page asks again: at each new forecast (events), or each `pace` seconds; never while paused or hidden.
 *
 * A fleet that reports every second would make a forecast every second; a large one is asked for less often (`gap`), so
 * that an update never costs a reader's machine more than a small share of its time.
 */
import { EventStream, type StreamState } from './events';
import { prefs } from './prefs';
import type { Store } from './store';

export class Live {
  state: StreamState = 'connecting';
  paused = false;
  gap = 1000;
  private last = 0;
  private timer = 0;
  private readonly stream: EventStream;

  constructor(
    private readonly store: Store,
    private readonly changed: () => void,
  ) {
    this.stream = new EventStream(
      '/api/v1/events',
      (news) => {
        if (prefs.pace === 0) this.soon(news.kind === 'reset' || news.kind === 'model' || news.kind === 'config' ? 'all' : 'live');
      },
      (state) => {
        const came_back = state === 'open' && this.state === 'broken';
        this.state = state;
        if (came_back) this.soon('all'); // the daemon may be another one now
        this.changed();
      },
    );
    setInterval(() => this.tick(), 1000);
    document.addEventListener('visibilitychange', () => this.tick());
    this.stream.open();
  }

  /* The key has changed: the stream must be opened with the new one. */
  reopen(): void {
    this.stream.close();
    this.stream.open();
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    if (!paused) this.soon('live');
    this.changed();
  }

  private soon(reason: 'live' | 'all'): void {
    if (this.paused || document.hidden || this.timer) return;
    const wait = Math.max(0, this.last + this.gap - Date.now());
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.last = Date.now();
      this.store.refresh(reason);
    }, wait);
  }

  private tick(): void {
    if (this.paused || document.hidden) return;
    this.store.refresh('clock');
    // without events (an older daemon, or a broken stream) five seconds stand in for them
    const pace = prefs.pace > 0 ? prefs.pace : this.state === 'open' ? 60 : 5;
    if (Date.now() - this.last >= pace * 1000) this.soon('live');
    this.changed(); // ages move on
  }
}
