/** An image is offered, read and sent only as the plan has it, whatever the catalogue says by then. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openImageListener } from '../../src/adapters/images/image-listener.ts';
import { type Database, openDatabase } from '../../src/adapters/postgres/database.ts';
import type { FirmwareImage } from '../../src/core/fleet.ts';
import { refusal } from '../support/guard.ts';
import { freshDatabase } from '../support/postgres.ts';

const bind = { host: '127.177.0.1', port: 8080 };
const advertise = `http://${bind.host}:${bind.port}`;
const asked = { operation: 'op-1', node: 'w-1', site: 'boston', image: 'dell-bios-2', bmcUrl: 'https://127.0.0.1' };
const planned = sha256('planned');

let dir: string;
let database: Awaited<ReturnType<typeof freshDatabase>>;
let records: Database;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gk-images-'));
  database = await freshDatabase();
  records = await openDatabase(database.url, { lock: false });
});
afterAll(async () => {
  await records?.close();
  await database?.drop();
  await rm(dir, { recursive: true, force: true });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A listener whose catalogue names a file with this text, and its digest. */
async function listener(text: string) {
  const file = join(dir, 'image.bin');
  await writeFile(file, text);
  const image: FirmwareImage = {
    id: asked.image,
    vendor: 'dell',
    models: ['R750'],
    component: 'bios',
    version: '2',
    source: { file },
    sha256: sha256(text),
  };
  const sites = new Map([[asked.site, { bind, advertise }]]);
  return openImageListener({ sites, catalogue: [image], store: records.images, cacheDir: dir });
}

it('is sent as long as it is the planned one, and neither offered, read nor sent once the catalogue has another', async () => {
  const before = await listener('planned');
  const { token, url } = await before.offer({ ...asked, sha256: planned });
  expect(await (await fetch(url)).text()).toBe('planned');
  await before.close();

  const after = await listener('another');
  const refused = [
    after.offer({ ...asked, node: 'w-2', sha256: planned }),
    after.open({ image: asked.image, sha256: planned }),
    after.proveReachable({ ...asked, sha256: planned }),
  ];
  for (const each of refused)
    expect(await refusal(each)).toMatchObject({
      code: 'image_invalid',
      message: expect.stringContaining('in the plan'),
    });
  expect((await fetch(url)).status).toBe(410);
  expect((await after.fetches(token)).map(({ status, bytes }) => [status, bytes])).toEqual([
    [200, 'planned'.length],
    [410, 0],
  ]);
  await after.close();
});
