import { empty } from '../components/ui';
import { text } from '../text';
import type { View } from './view';

export const settings: View = { name: 'settings', key: 's', render: () => empty(text.state.absent) };
