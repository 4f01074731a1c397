import { empty } from '../components/ui';
import { text } from '../text';
import type { View } from './view';

export const capacity: View = { name: 'capacity', key: 'c', render: () => empty(text.state.absent) };
