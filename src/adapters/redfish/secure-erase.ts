/**
 * Erasing drives through the BMC. A drive that is overlooked keeps its data, so
 * the survey holds every drive of the server or fails; and what a BMC says of
 * an erase is no proof that nothing can be read any more.
 */
import { z } from 'zod';
import type { ErasableDrive } from '../../core/bmc-change.ts';
import { FleetError } from '../../core/errors.ts';
import { type ChangeRequest, offersNone } from './change-request.ts';
import type { Connection } from './connection.ts';
import { healthFact, textFact } from './facts.ts';
import { lastSegment, pathOnBmc, sameResource } from './links.ts';
import { readDrives } from './read-drives.ts';
import { readSystem } from './read-system.ts';
import { list, number, object, status, text, texts } from './schema.ts';
import type { Topology } from './topology.ts';

const erasable = z.object({
  SerialNumber: text,
  Status: status,
  Operations: list(z.object({ OperationName: text, PercentageComplete: number })),
  Actions: object({
    '#Drive.SecureErase': object({
      target: text,
      '@Redfish.OperationApplyTimeSupport': object({ SupportedValues: texts }),
    }),
  }),
});

/** Every drive that the BMC knows of. Throws bmc_protocol when any of them cannot be read. */
export async function surveyErase(connection: Connection, topology: Topology): Promise<ErasableDrive[]> {
  const drives = await readDrives(connection, await readSystem(connection, topology));
  if ('unknown' in drives) throw incomplete(connection, drives.unknown);
  return Promise.all(
    drives.value.map(async ({ uri, name }) => {
      const unread = (why: string) => incomplete(connection, `${lastSegment(uri)}: ${why}`);
      // What SimpleStorage tells of is a place inside a resource, and no drive that could be asked.
      if (uri.includes('#'))
        return {
          uri,
          name,
          serial: { unknown: 'the BMC gives no serial of the drive' },
          health: { unknown: 'the BMC gives no resource of the drive' },
          erasable: false,
          busyPercent: undefined,
        };
      const read = await connection.read(uri, erasable).catch(error => {
        throw unread(FleetError.from(error).message);
      });
      return {
        uri,
        name,
        serial: textFact(read.SerialNumber, 'serial of the drive'),
        health: healthFact(read.Status, 'drive'),
        erasable: read.Actions?.['#Drive.SecureErase']?.target != null,
        busyPercent: read.Operations.length === 0 ? undefined : (read.Operations[0]?.PercentageComplete ?? 0),
      };
    }),
  );
}

/** Throws bmc_refused where the drive does not offer it, is at something, or is none of this server. */
export async function eraseRequest(connection: Connection, topology: Topology, drive: string): Promise<ChangeRequest> {
  const known = (await surveyErase(connection, topology)).find(({ uri }) => sameResource(uri, drive));
  if (known === undefined) throw offersNone(connection, 'such drive of this server', 'Read its drives again.');
  if (known.busyPercent !== undefined)
    throw offersNone(connection, 'erase of a drive that is at something', 'Wait until it ends.');
  const { Actions: actions } = await connection.read(known.uri, erasable);
  const erase = actions?.['#Drive.SecureErase'];
  if (erase?.target == null)
    throw offersNone(connection, 'secure erase of this drive', 'Erase it from an operating system, or destroy it.');
  const now = erase['@Redfish.OperationApplyTimeSupport']?.SupportedValues?.includes('Immediate');
  return {
    method: 'POST',
    path: pathOnBmc(connection.url, erase.target),
    body: now ? { '@Redfish.OperationApplyTime': 'Immediate' } : {},
  };
}

function incomplete({ url }: Connection, why: string): FleetError {
  return new FleetError({
    code: 'bmc_protocol',
    message: `${url} does not account for every drive: ${why}`,
    hint: 'Nothing is erased while a drive may be overlooked.',
  });
}
