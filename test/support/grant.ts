/** A grant for tests of adapters alone; the guard is the only one who mints them in the product. */
import type { EffectGrant } from '../../src/core/effect.ts';

export const testGrant = { intent: 0 } as unknown as EffectGrant;
