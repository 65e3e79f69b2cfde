/** Images of the catalogue, and what of them sites want. */
import { z } from 'zod';
import { field, filled, httpsUrl, imageId, list, mapping, name, oneOf, text } from './document-fields.ts';

export const image = mapping({
  id: imageId,
  vendor: oneOf(['dell', 'hpe', 'openbmc', 'lenovo', 'supermicro', 'ami', 'nvidia', 'generic']),
  models: filled(text),
  component: oneOf(['bios', 'bmc', 'nic', 'drive']),
  drives: filled(text).optional(),
  version: text,
  needs: text.optional(),
  backTo: text.optional(),
  file: text.optional(),
  url: field('an https address without user and password', httpsUrl).optional(),
  sha256: field('a SHA-256 of 64 hex digits', written =>
    /^[0-9a-f]{64}$/i.test(written) ? written.toLowerCase() : undefined,
  ),
}).superRefine(({ component, drives }, context) => {
  if ((component === 'drive') === (drives !== undefined)) return;
  const message = component === 'drive' ? 'the models of the drives that it is for' : 'no drives for another component';
  context.addIssue({ code: 'custom', path: ['drives'], message });
});

const biosValue = z.union([z.string(), z.number(), z.boolean()], { error: 'a text, a number, true or false' });
const biosBaseline = mapping({
  models: filled(text),
  attributes: z.record(z.string().min(1), biosValue, { error: 'a mapping of attributes to values' }),
});
export const baseline = mapping({ name, images: list(imageId), bios: list(biosBaseline).default([]) }).superRefine(
  ({ bios }, context) => {
    const models = bios.flatMap(each => each.models);
    const twice = models.find((model, index) => models.indexOf(model) !== index);
    if (twice === undefined) return;
    context.addIssue({
      code: 'custom',
      path: ['bios'],
      message: `settings for each model once, not twice for ${twice}`,
    });
  },
);
