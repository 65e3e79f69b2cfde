/**
 * Images before a server as if they were its own drives. BMCs keep the slots
 * under the system or under a manager; an image gets in by an action, or by a
 * PATCH of the slot, and some slots that are listed take none at all.
 */
import { z } from 'zod';
import type { MediaSlot } from '../../core/bmc-change.ts';
import { type ChangeRequest, offersNone } from './change-request.ts';
import type { Connection } from './connection.ts';
import { textFact } from './facts.ts';
import { lastSegment, pathOnBmc } from './links.ts';
import { readMembers } from './read-members.ts';
import { action, flag, link, object, text, texts } from './schema.ts';
import type { Topology } from './topology.ts';

const owner = z.object({ VirtualMedia: link });
const virtualMedia = z.object({
  MediaTypes: texts,
  Image: text,
  Inserted: flag,
  Actions: object({ '#VirtualMedia.InsertMedia': action, '#VirtualMedia.EjectMedia': action }),
});

type Slot = { uri: string; found: z.infer<typeof virtualMedia> };

/** The slots that take a CD image, and what is in each. Throws when one cannot be read. */
export async function readMedia(connection: Connection, topology: Topology): Promise<MediaSlot[]> {
  return (await slots(connection, topology)).map(({ uri, found }) => {
    const image = textFact(found.Image, 'image');
    return {
      uri,
      inserted: isIn(found),
      image: isIn(found) && 'value' in image ? image.value : undefined,
    };
  });
}

/** Into the first slot that is empty. Throws bmc_refused where there is none. */
export async function insertRequest(connection: Connection, topology: Topology, image: string): Promise<ChangeRequest> {
  const free = (await slots(connection, topology)).find(({ found }) => !isIn(found));
  if (free === undefined)
    throw offersNone(connection, 'empty slot for a CD image', 'Take out what is in, or boot the server over HTTP.');
  const target = free.found.Actions?.['#VirtualMedia.InsertMedia']?.target;
  // Nothing but the image: some firmware refuses the other parameters of the standard.
  if (target != null) return { method: 'POST', path: pathOnBmc(connection.url, target), body: { Image: image } };
  return {
    method: 'PATCH',
    path: pathOnBmc(connection.url, free.uri),
    body: { Image: image, Inserted: true },
  };
}

/** Only that image; what somebody else put in stays. Throws bmc_refused where it is in none. */
export async function ejectRequest(connection: Connection, topology: Topology, image: string): Promise<ChangeRequest> {
  const slot = (await slots(connection, topology)).find(({ found }) => isIn(found) && found.Image === image);
  if (slot === undefined) throw offersNone(connection, 'slot with that image', 'It was taken out, or never got in.');
  const target = slot.found.Actions?.['#VirtualMedia.EjectMedia']?.target;
  if (target != null) return { method: 'POST', path: pathOnBmc(connection.url, target), body: {} };
  return { method: 'PATCH', path: pathOnBmc(connection.url, slot.uri), body: { Image: null } };
}

function isIn({ Inserted: inserted }: Slot['found']): boolean {
  return inserted === true;
}

/** One collection is enough: where two owners link some, they are the same slots under two addresses. */
async function slots(connection: Connection, { systemUri, managerUris, profile }: Topology): Promise<Slot[]> {
  for (const uri of [systemUri, ...managerUris]) {
    const { VirtualMedia: collection } = await connection.read(uri, owner);
    if (collection == null) continue;
    const read = await readMembers(connection, collection, virtualMedia);
    const usable = read.flatMap(each => {
      if ('unread' in each) throw offersNone(connection, 'readable slot for images', 'Try again in a minute.');
      const { MediaTypes: types } = each.found;
      const fits = types == null || types.length === 0 || types.includes('CD');
      return fits && (profile.mediaSlots?.test(lastSegment(each.uri)) ?? true) ? [each] : [];
    });
    if (usable.length > 0) return usable;
  }
  return [];
}
