import { empty } from '../components/ui';
import { text } from '../text';
import type { View } from './view';

export const docs: View = { name: 'docs', key: 'd', render: () => empty(text.state.absent) };
