import { empty } from '../components/ui';
import { text } from '../text';
import type { View } from './view';

export const remediation: View = { name: 'remediation', key: 'r', render: () => empty(text.state.absent) };
