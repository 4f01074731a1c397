import { empty } from '../components/ui';
import { text } from '../text';
import type { View } from './view';

export const top: View = { name: 'top', key: 't', render: () => empty(text.state.absent) };
