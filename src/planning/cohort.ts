/** Which servers are alike: a fault in an image that hits one hits the others of its cohort. */
import { type Component, factValue, type ServerMakeup } from '../core/bmc.ts';
import { isFirmware, type PlannedChange } from '../core/planned-change.ts';

/** Vendor, model and the versions that run, the BIOS always among them, and of what is changed. */
export function cohortOf(server: Pick<ServerMakeup, 'identity' | 'firmware'>, changes: PlannedChange[] = []): string {
  const { identity, firmware } = server;
  const components = new Set<Component>(['bios', ...changes.filter(isFirmware).map(({ component }) => component)]);
  const versions = [...components].map(component => {
    const running = factValue(firmware)?.find(each => each.component === component && each.state === 'active');
    return `${component} ${(running && factValue(running.version)) ?? 'unknown'}`;
  });
  return `${identity.vendor} ${factValue(identity.model) ?? 'of unknown model'}, ${versions.join(', ')}`;
}
