/**
 * Serves firmware images to BMCs and to nothing else: one unguessable path per
 * operation, node and image, answered only to that node's BMC address. Every fetch is
 * recorded before the first byte leaves, because the fetch log is what proves,
 * after a crash, that an update had been accepted.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import type { FirmwareImage } from '../../core/fleet.ts';
import { newToken } from '../../core/ids.ts';
import type { ImageOffers } from '../../core/images.ts';
import type { ImageStore } from '../../core/records.ts';
import { proveOurs, proveRoutable, wordAt } from './reach.ts';

export type ImageListenerOptions = {
  /** By site name. */
  sites: Map<string, { bind: { host: string; port: number }; advertise: string }>;
  catalogue: FirmwareImage[];
  store: ImageStore;
  /** Where images that come from a URL are kept once their SHA-256 is proved. */
  cacheDir: string;
};

/** Answered to everybody, with a word that only processes over this database know; says nothing of any image. */
const selfPath = '/listener';
/** How often a process looks whether the address is free that another one of ours serves from. */
const retryMs = 1_000;
const tokenPath = /^\/([A-Za-z0-9_-]{43})\/[A-Za-z0-9._-]+$/;

/**
 * Binds every site's address. One that another process over this database has on this host is left to it, which serves the same,
 * and taken once it is free. Throws `port_taken` naming an address that something else uses.
 */
export async function openImageListener(
  options: ImageListenerOptions,
): Promise<ImageOffers & { close(): Promise<void> }> {
  const { sites, catalogue, store, cacheDir } = options;
  const servers: Server[] = [];
  const closing = new AbortController();
  const self = await store.listenerWord();
  const imageOf = (id: string): FirmwareImage => {
    const image = catalogue.find(candidate => candidate.id === id);
    if (!image) throw new FleetError({ code: 'image_invalid', message: `the catalogue has no image ${id} any more` });
    return image;
  };

  const listenerOf = (site: string) => {
    const listener = sites.get(site);
    if (!listener) throw new FleetError({ code: 'invalid_config', message: `site ${site} has no image listener` });
    return listener;
  };
  const planned = (id: string, sha256: string): FirmwareImage => {
    const image = imageOf(id);
    if (image.sha256 === sha256) return image;
    throw new FleetError({
      code: 'image_invalid',
      message: `the catalogue's SHA-256 of ${id} is not the one in the plan`,
    });
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === selfPath) return respond(response, 204, { 'x-listener': self });
    const remote = plainAddress(request.socket.remoteAddress ?? '');
    const [, token] = tokenPath.exec(request.url ?? '') ?? [];
    const offer = token && request.method === 'GET' ? await store.byToken(token) : undefined;
    if (!offer || !token) return respond(response, 404);
    const image = imageOf(offer.image);
    const refused = offer.closed || image.sha256 !== offer.sha256 ? 410 : remote === offer.remote ? undefined : 403;
    if (refused) {
      await store.fetched(token, { remote, status: refused, bytes: 0 });
      return respond(response, refused);
    }
    const file = await provenFile(image, cacheDir);
    const { size } = await stat(file);
    await store.fetched(token, { remote, status: 200, bytes: size });
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
    await pipeline(createReadStream(file), response);
  }

  async function serve(bind: Bind, triesLeft = 3): Promise<void> {
    try {
      servers.push(await listen(bind, answer));
    } catch (thrown) {
      if (FleetError.from(thrown).code !== 'port_taken') throw thrown;
      const { host, port } = bind;
      const origin = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
      const word = await wordAt(`${origin}${selfPath}`).catch(() => undefined);
      if (word === self) return void serveLater(bind);
      if (word !== undefined || triesLeft <= 1) throw thrown;
      // Whoever had it may just have ended.
      await delay(retryMs);
      await serve(bind, triesLeft - 1);
    }
  }

  async function serveLater(bind: Bind): Promise<void> {
    for (;;) {
      await delay(retryMs, undefined, { ref: false });
      if (closing.signal.aborted) return;
      const server = await listen(bind, answer).catch(() => undefined);
      if (server === undefined) continue;
      if (closing.signal.aborted) server.close();
      else servers.push(server);
      return;
    }
  }

  try {
    for (const { bind } of sites.values()) await serve(bind);
  } catch (thrown) {
    for (const server of servers) server.close();
    throw thrown;
  }
  return {
    async offer({ operation, node, site, image: id, sha256, bmcUrl }) {
      const listener = listenerOf(site);
      const image = planned(id, sha256);
      await provenFile(image, cacheDir);
      const remote = addressOf(bmcUrl);
      const offer = { token: newToken(), operation, node, image: id, sha256, remote, closed: false };
      const { token } = await store.offer(offer);
      return { token, url: `${listener.advertise}/${token}/${fileName(image)}` };
    },
    async open({ image: id, sha256 }) {
      const image = planned(id, sha256);
      const file = await provenFile(image, cacheDir);
      return { name: fileName(image), size: (await stat(file)).size, read: () => createReadStream(file) };
    },
    async proveReachable({ site, image, sha256, bmcUrl }) {
      const { advertise } = listenerOf(site);
      await provenFile(planned(image, sha256), cacheDir);
      proveRoutable(advertise, addressOf(bmcUrl));
      await proveOurs(advertise, selfPath, self);
    },
    fetches: token => store.fetches(token),
    withdraw: from => store.close(from),
    async close() {
      closing.abort();
      await Promise.all(
        servers.map(server => {
          server.closeAllConnections();
          return new Promise(resolve => server.close(resolve));
        }),
      );
    },
  };
}

type Bind = { host: string; port: number };

function addressOf(bmcUrl: string): string {
  return new URL(bmcUrl).hostname.replace(/^\[|\]$/g, '');
}

function fileName({ id }: FirmwareImage): string {
  return `${id.replace(/[^A-Za-z0-9._-]/g, '-')}.bin`;
}

async function listen(
  bind: Bind,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => (response.headersSent ? response.destroy() : respond(response, 500)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new FleetError({
          code: error.code === 'EADDRINUSE' ? 'port_taken' : 'invalid_config',
          message: `the image listener cannot bind ${bind.host}:${bind.port} (${error.code})`,
          hint: 'stop what uses it, or change sites[].imageListener.bind in groundskeeper.yaml',
          cause: error,
        }),
      ),
    );
    server.listen(bind.port, bind.host, resolve);
  });
  return server;
}

function respond(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...(status === 204 ? {} : { 'content-length': 0 }), ...headers });
  response.end();
}

/** An IPv4 peer of a dual-stack socket, as IPv4. */
function plainAddress(address: string): string {
  const mapped = address.replace(/^::ffff:/, '');
  return isIP(mapped) === 4 ? mapped : address;
}

/** A local file whose SHA-256 is the catalogue's. Throws `image_invalid` when it is not. */
async function provenFile(image: FirmwareImage, cacheDir: string): Promise<string> {
  const file = 'file' in image.source ? image.source.file : await download(image, image.source.url, cacheDir);
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
  } catch (cause) {
    throw new FleetError({ code: 'image_invalid', message: `image ${image.id} cannot be read from ${file}`, cause });
  }
  const found = hash.digest('hex');
  if (found === image.sha256) return file;
  throw new FleetError({
    code: 'image_invalid',
    message: `image ${image.id} has SHA-256 ${found}, the catalogue says ${image.sha256}`,
    hint: 'get the image again from the vendor, or correct the catalogue',
  });
}

async function download(image: FirmwareImage, url: string, cacheDir: string): Promise<string> {
  const file = join(cacheDir, image.sha256);
  if (
    await readFile(file).then(
      () => true,
      () => false,
    )
  )
    return file;
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(600_000) }).catch(
    (cause: unknown) => {
      throw new FleetError({
        code: 'image_invalid',
        retry: 'later',
        message: `image ${image.id} cannot be fetched from its URL`,
        cause,
      });
    },
  );
  if (!response.ok)
    throw new FleetError({
      code: 'image_invalid',
      message: `the URL of image ${image.id} answers HTTP ${response.status}`,
    });
  const bytes = Buffer.from(await response.arrayBuffer());
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== image.sha256)
    throw new FleetError({
      code: 'image_invalid',
      message: `image ${image.id} has SHA-256 ${found}, the catalogue says ${image.sha256}`,
    });
  await mkdir(cacheDir, { recursive: true });
  await writeFile(`${file}.part`, bytes);
  await rename(`${file}.part`, file);
  return file;
}
