/** Reads everything that a BMC links, from its service root on. */
import { Agent, request } from 'undici';

export type Resource = Record<string, unknown>;
export type Crawl = {
  /** Resources by the URI they were read at. */
  resources: Map<string, Resource>;
  /** What could not be read or found, as `<from> links <to>: <why>`. */
  dangling: string[];
};

export type CrawlOptions = { url: string; ca: string; username: string; password: string };

/** Follows every link of every resource, nextLinks among them. Throws after 5000 resources. */
export async function crawl(options: CrawlOptions): Promise<Crawl> {
  const { url, ca, username, password } = options;
  const dispatcher = new Agent({ connect: { ca }, connections: 4 });
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const resources = new Map<string, Resource>();
  const links: { from: string; to: string }[] = [];
  const dangling: string[] = [];
  const asked = new Set<string>();
  let waiting = [{ from: 'the client', to: '/redfish/v1' }];
  try {
    while (waiting.length > 0) {
      if (asked.size > 5000) throw new Error('this tree does not end');
      const found = await Promise.all(
        waiting.map(async ({ from, to }) => {
          const answer = await request(`${url}${to}`, { dispatcher, headers: { authorization } });
          if (answer.statusCode !== 200) {
            await answer.body.dump();
            dangling.push(`${from} links ${to}: ${answer.statusCode}`);
            return [];
          }
          const body = (await answer.body.json()) as Resource;
          resources.set(to, body);
          return linksOf(body).map(link => ({ from: to, to: link }));
        }),
      );
      const next = found.flat();
      links.push(...next);
      waiting = [];
      for (const { from, to } of next) {
        const uri = to.replace(/#.*$/, '');
        if (!asked.has(uri)) waiting.push({ from, to: uri });
        asked.add(uri);
      }
    }
  } finally {
    await dispatcher.close();
  }
  for (const { from, to } of links) {
    const [uri = '', pointer] = to.split('#');
    if (pointer !== undefined && resources.has(uri) && at(resources.get(uri), pointer) === undefined) {
      dangling.push(`${from} links ${to}: nothing there`);
    }
  }
  return { resources, dangling };
}

const linkKeys = new Set(['@odata.id', '@odata.nextLink', '@Redfish.ActionInfo', 'DataSourceUri']);

function linksOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(linksOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    linkKeys.has(key) && typeof inner === 'string' ? [inner] : linksOf(inner),
  );
}

/** What a JSON pointer names. */
function at(value: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .filter(step => step !== '')
    .reduce<unknown>((inner, step) => (inner as Record<string, unknown> | undefined)?.[step], value);
}
