/** What an action accepts for a parameter: written beside the action, or in the ActionInfo that it names. */
import type { Connection } from './connection.ts';
import { type Action, actionInfo } from './schema.ts';

/** Undefined when the BMC does not say. */
export async function allowedValues(
  connection: Connection,
  action: Action,
  parameter: 'ResetType' | 'TransferProtocol',
): Promise<string[] | undefined> {
  const beside = action?.[`${parameter}@Redfish.AllowableValues`];
  if (beside != null) return beside;
  const link = action?.['@Redfish.ActionInfo'];
  if (link == null) return undefined;
  const info = await connection.read(link, actionInfo);
  return info.Parameters.find(each => each.Name === parameter)?.AllowableValues ?? undefined;
}
