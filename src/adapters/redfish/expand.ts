/** The `$expand` query that a BMC offers: subordinate resources only, where it can. */
import type { ServiceRoot } from './schema.ts';

type Offer = NonNullable<ServiceRoot['ProtocolFeaturesSupported']>['ExpandQuery'];

/** Undefined when the BMC offers none. Levels beyond its limit are cut to it. */
export function expandQuery(offer: Offer, levels: number): string | undefined {
  const what = offer?.NoLinks === true ? '.' : offer?.ExpandAll === true ? '*' : undefined;
  if (what === undefined) return undefined;
  const depth = Math.min(levels, Math.max(1, offer?.MaxLevels ?? 1));
  return offer?.Levels === true ? `$expand=${what}($levels=${depth})` : `$expand=${what}`;
}
