/** How the manager offers its own restart. */
import type { Controller } from '../controller.ts';
import type { Body } from '../reply.ts';
import type { Resources } from './tree.ts';

export function managerResetUri({ uris }: Controller): string {
  return `${uris.manager}/Actions/Manager.Reset`;
}

export function managerResetAction(bmc: Controller): Body {
  const target = managerResetUri(bmc);
  return bmc.profile.allowableValues === 'inline'
    ? { target, 'ResetType@Redfish.AllowableValues': bmc.profile.acts.managerReset.types }
    : { target, '@Redfish.ActionInfo': actionInfoUri(bmc) };
}

export function managerResetResources(bmc: Controller): Resources {
  if (bmc.profile.allowableValues === 'inline') return {};
  const uri = actionInfoUri(bmc);
  const { types } = bmc.profile.acts.managerReset;
  return {
    [uri]: () => ({
      '@odata.id': uri,
      '@odata.type': '#ActionInfo.v1_1_2.ActionInfo',
      Id: 'ResetActionInfo',
      Name: 'Reset Action Info',
      Parameters: [{ Name: 'ResetType', Required: true, DataType: 'String', AllowableValues: types }],
    }),
  };
}

function actionInfoUri({ uris }: Controller): string {
  return `${uris.manager}/ResetActionInfo`;
}
