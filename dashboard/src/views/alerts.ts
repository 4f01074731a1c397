import { empty } from '../components/ui';
import { text } from '../text';
import type { View } from './view';

export const alerts: View = { name: 'alerts', key: 'a', render: () => empty(text.state.absent) };
