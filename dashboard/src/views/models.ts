import { empty } from '../components/ui';
import { text } from '../text';
import type { View } from './view';

export const models: View = { name: 'models', key: 'm', render: () => empty(text.state.absent) };
