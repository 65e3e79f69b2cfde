/** What everybody should know before they type, a line each. */
import { freezeText } from '../../core/freeze.ts';
import type { Notices } from '../http/api.ts';

export function noticeLines({ policy, freezes }: Notices): string[] {
  return [
    ...freezes.map(freeze => `Changes are frozen: ${freezeText(freeze)}`),
    ...(policy.state === 'kept' ? [`Earlier policies are followed: those in the folder are not usable`] : []),
  ];
}
