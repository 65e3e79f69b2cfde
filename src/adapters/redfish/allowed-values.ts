/** What an action accepts: written beside it, or in the ActionInfo that it names. */
import type { Connection } from './connection.ts';
import { type Action, type ActionParameter, actionInfo } from './schema.ts';

/** Undefined when the BMC does not say. */
export async function allowedValues(
  connection: Connection,
  action: Action,
  parameter: 'ResetType' | 'TransferProtocol',
): Promise<string[] | undefined> {
  const beside = action?.[`${parameter}@Redfish.AllowableValues`];
  if (beside != null) return beside;
  const listed = await listedParameters(connection, action);
  return listed.find(each => each.Name === parameter)?.AllowableValues ?? undefined;
}

/** Those that the ActionInfo lists; none where there is no such resource. */
export async function listedParameters(connection: Connection, action: Action): Promise<ActionParameter[]> {
  const link = action?.['@Redfish.ActionInfo'];
  return link == null ? [] : (await connection.read(link, actionInfo)).Parameters;
}
