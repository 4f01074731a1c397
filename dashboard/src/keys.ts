/* keys.ts - single keys and g-then-a-letter. They rest while somebody types, and can be switched off (WCAG 2.1.4). */
import { dialogOpen, openDialog } from './dialogs';
import type { Live } from './live';
import { changePrefs, isDark, prefs } from './prefs';
import { go, href } from './router';
import { ALL } from './views/all';

interface World {
  live: Live;
  schedule: () => void;
}

function moveRow(step: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
  next?.focus();
}

export function installKeys(world: World): void {
  let waiting = 0; // a g has been pressed, until then
  addEventListener('keydown', (e) => {
    const target = e.target as HTMLElement;
    if (!prefs.shortcuts || e.ctrlKey || e.metaKey || e.altKey || dialogOpen() || target.closest('input, select, textarea')) return;
    if (waiting > e.timeStamp) {
      waiting = 0;
      const view = ALL.find((v) => v.key === e.key);
      if (view) {
        e.preventDefault();
        go(href(view.name));
        return;
      }
    }
    const act: Record<string, () => void> = {
      '/': () => openDialog('search'),
      '?': () => openDialog('keys'),
      j: () => moveRow(1),
      k: () => moveRow(-1),
      t: () => changePrefs({ theme: isDark() ? 'light' : 'dark' }),
      z: () => changePrefs({ zone: prefs.zone === 'utc' ? 'local' : 'utc' }),
      p: () => world.live.setPaused(!world.live.paused),
      g: () => { waiting = e.timeStamp + 1500; },
    };
    const wanted = act[e.key];
    if (!wanted) return;
    e.preventDefault();
    wanted();
    world.schedule();
  });
}
