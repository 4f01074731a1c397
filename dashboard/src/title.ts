// title.ts - the name of this installation (dashboard.title), else the product's.
import { text } from './text';
import type { Context } from './views/view';

export function titleOf(c: Context): string {
  const config = c.use('config', '/api/v1/config', 'slow').data as { items?: { key?: string; value?: unknown }[] } | undefined;
  const own = config?.items?.find((item) => item.key === 'dashboard.title')?.value;
  return typeof own === 'string' && own !== '' ? own : text.product;
}
