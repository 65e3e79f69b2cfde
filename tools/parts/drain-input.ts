/** What a caller may allow a drain to lose, refused unless asked for, and the order in which pods leave. */
import { gentleSwitch, sharpSwitch } from '../../src/core/switches.ts';

export const drainInput = {
  deleteEmptyDir: sharpSwitch('Allow evicting pods whose emptyDir data is lost', [
    'emptydir',
    'emptydirs',
    'data … may … lost',
    'data … can … lost',
    'may lose … data',
    'can lose … data',
    'ok to lose',
    'fine to lose',
    'accept … loss',
    'delete … data',
    'discard … data',
    'delete … scratch',
    'discard … scratch',
  ]),
  force: sharpSwitch('Allow evicting pods that no controller starts again', [
    'force',
    'bare pods',
    'unmanaged pods',
    'pods without … controller',
    'pods that no controller',
  ]),
  byPriority: gentleSwitch('Evict the lowest priority first, each group gone before the next, instead of all at once'),
};
