/** Virtual drives and what is in them. Credentials for an image are never shown. */
import type { Controller } from '../controller.ts';
import { type Body, collection, link } from '../reply.ts';
import type { Slot } from '../virtual-media.ts';
import type { Resources } from './tree.ts';

/** Undefined where the vendor has none. */
export function virtualMediaUri({ profile, uris }: Controller): string | undefined {
  const { virtualMedia } = profile.acts;
  return virtualMedia === undefined ? undefined : `${uris[virtualMedia.under]}/VirtualMedia`;
}

/** The member that manager or system adds to itself. */
export function virtualMediaLink(bmc: Controller, owner: 'manager' | 'system'): Body {
  const uri = virtualMediaUri(bmc);
  return uri === undefined || bmc.profile.acts.virtualMedia?.under !== owner ? {} : { VirtualMedia: link(uri) };
}

export function virtualMediaResources(bmc: Controller): Resources {
  const uri = virtualMediaUri(bmc);
  if (uri === undefined) return {};
  const slots = bmc.media.slots();
  return {
    [uri]: () =>
      collection({
        uri,
        type: 'VirtualMediaCollection',
        name: 'Virtual Media',
        members: slots.map(({ id }) => `${uri}/${id}`),
      }),
    ...Object.fromEntries(slots.map(slot => [`${uri}/${slot.id}`, () => slotBody(bmc, `${uri}/${slot.id}`, slot)])),
  };
}

function slotBody({ profile }: Controller, uri: string, { id, name, mediaTypes, takes, medium }: Slot): Body {
  const { emptyImage = null, hidesEject } = profile.acts.virtualMedia ?? {};
  const action = (verb: string) => ({ target: `${uri}/Actions/VirtualMedia.${verb}` });
  const offersEject = medium !== undefined || !hidesEject;
  return {
    '@odata.id': uri,
    '@odata.type': '#VirtualMedia.v1_4_0.VirtualMedia',
    Id: id,
    Name: name,
    MediaTypes: mediaTypes,
    Image: medium?.image ?? emptyImage,
    ImageName: medium === undefined ? emptyImage : medium.image.slice(medium.image.lastIndexOf('/') + 1),
    Inserted: medium !== undefined,
    ConnectedVia: medium === undefined ? 'NotConnected' : 'URI',
    WriteProtected: medium?.writeProtected ?? null,
    TransferMethod: medium === undefined ? null : 'Stream',
    TransferProtocolType: medium === undefined ? null : medium.image.startsWith('https:') ? 'HTTPS' : 'HTTP',
    UserName: null,
    Password: null,
    ...(takes === 'action'
      ? {
          Actions: {
            '#VirtualMedia.InsertMedia': action('InsertMedia'),
            ...(offersEject ? { '#VirtualMedia.EjectMedia': action('EjectMedia') } : {}),
          },
        }
      : {}),
  };
}
