/** The resources that are there now: all of them, or those that a BMC has first after its own restart. */
import type { Controller } from './controller.ts';
import { type Resources, resourceTree } from './resources/tree.ts';

const lateCollections = ['/redfish/v1/Systems', '/redfish/v1/Chassis', '/redfish/v1/UpdateService/FirmwareInventory'];

/** Whether this resource has not come back yet. */
export function isHidden({ life }: Controller, path: string): boolean {
  return life.stage === 'partial' && lateCollections.some(uri => path.startsWith(`${uri}/`));
}

export function visibleTree(bmc: Controller): Resources {
  const tree = bmc.stage.resources(resourceTree(bmc));
  if (bmc.life.stage !== 'partial') return tree;
  const shown = Object.entries(tree).filter(([uri]) => !isHidden(bmc, uri));
  return Object.fromEntries(
    shown.map(([uri, render]) => [
      uri,
      lateCollections.includes(uri) ? () => ({ ...render(), Members: [], 'Members@odata.count': 0 }) : render,
    ]),
  );
}
