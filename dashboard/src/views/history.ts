import { empty } from '../components/ui';
import { text } from '../text';
import type { View } from './view';

export const historyView: View = { name: 'history', key: 'h', render: () => empty(text.state.absent) };
