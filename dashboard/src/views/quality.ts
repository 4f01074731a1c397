import { empty } from '../components/ui';
import { text } from '../text';
import type { View } from './view';

export const quality: View = { name: 'quality', key: 'q', render: () => empty(text.state.absent) };
