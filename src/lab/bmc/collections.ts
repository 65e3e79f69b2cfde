/** Collections on their way out: paged, and with the mistakes that faulty firmware makes. */
import type { Controller } from './controller.ts';
import { type Body, link } from './reply.ts';

/** Entries that a page repeats of the one before. */
const overlap = 3;
/** Kinds whose members are none of the machine's parts. */
const steady =
  /#(ComputerSystem|Chassis|Manager|ManagerAccount|Session|EventDestination|MessageRegistryFile)Collection\./;

/** The members that this request is for, with a link to the rest. Bodies that are no collection stay as they are. */
export function shownMembers(bmc: Controller, body: Body, query: URLSearchParams): Body {
  return paged(bmc, dangling(bmc, body), query);
}

function dangling({ faults }: Controller, body: Body): Body {
  const { Members: members } = body;
  if (!Array.isArray(members) || faults.get('dangling-links') === undefined) return body;
  if (steady.test(String(body['@odata.type']))) return body;
  const nowhere = link(`${body['@odata.id']}/${members.length + 9000}`);
  return { ...body, Members: [...members, nowhere], 'Members@odata.count': members.length + 1 };
}

function paged({ profile, faults }: Controller, body: Body, query: URLSearchParams): Body {
  const { Members: members } = body;
  if (!Array.isArray(members)) return body;
  const skip = count(query.get('$skip')) ?? 0;
  const isLog = String(body['@odata.type']).includes('LogEntryCollection');
  const page = isLog ? (profile.log.pageSize ?? members.length) : members.length;
  const top = Math.min(count(query.get('$top')) ?? page, page);
  const shown = members.slice(skip, skip + top);
  const more = top > 0 && skip + top < members.length && !query.has('$top');
  const repeated = faults.get('page-overlap') !== undefined && top > overlap ? overlap : 0;
  const next = more ? { '@odata.nextLink': `${body['@odata.id']}?$skip=${skip + top - repeated}` } : {};
  return { ...body, Members: shown, ...next };
}

function count(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}
