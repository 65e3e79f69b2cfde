/** How NVIDIA's chassis offers to take the power from everything for a moment. */
import type { Controller } from '../controller.ts';
import type { Body } from '../reply.ts';
import type { Resources } from './tree.ts';

export const auxPowerResets: readonly string[] = ['AuxPowerCycle'];

/** Undefined on machines that have none. */
export function auxPowerResetUri({ profile, uris }: Controller): string | undefined {
  return profile.auxPowerReset ? `${uris.chassis}/Actions/Oem/NvidiaChassis.AuxPowerReset` : undefined;
}

export function auxPowerResetAction(bmc: Controller): Body {
  const target = auxPowerResetUri(bmc);
  if (target === undefined) return {};
  return {
    Actions: { Oem: { '#NvidiaChassis.AuxPowerReset': { target, '@Redfish.ActionInfo': actionInfoUri(bmc) } } },
  };
}

export function auxPowerResetResources(bmc: Controller): Resources {
  if (!bmc.profile.auxPowerReset) return {};
  const uri = actionInfoUri(bmc);
  return {
    [uri]: () => ({
      '@odata.id': uri,
      '@odata.type': '#ActionInfo.v1_1_2.ActionInfo',
      Id: 'AuxPowerResetActionInfo',
      Name: 'Auxiliary Power Reset Action Info',
      Parameters: [{ Name: 'ResetType', Required: true, DataType: 'String', AllowableValues: auxPowerResets }],
    }),
  };
}

function actionInfoUri({ uris }: Controller): string {
  return `${uris.chassis}/Oem/Nvidia/AuxPowerResetActionInfo`;
}
