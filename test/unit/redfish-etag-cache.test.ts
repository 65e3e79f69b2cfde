/** What may be answered from memory, and when a BMC's ETags are believed no more. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { EtagCache } from '../../src/adapters/redfish/etag-cache.ts';
import type { WireAnswer } from '../../src/adapters/redfish/transport.ts';

type Service = { status?: number; etag?: string; body: string };

function answerOf({ status = 200, etag, body }: Service): WireAnswer {
  return { status, header: name => (name === 'etag' ? etag : undefined), bytes: Buffer.from(body) };
}

/** A resource that honours If-None-Match, and what was asked of it. */
function resource(service: Service) {
  const asked: (string | undefined)[] = [];
  const send = async (headers: Record<string, string>) => {
    const condition = headers['if-none-match'];
    asked.push(condition);
    return condition !== undefined && condition === service.etag
      ? answerOf({ status: 304, body: '' })
      : answerOf(service);
  };
  return { service, asked, send };
}

const seen = z.string();
const text = (answer: WireAnswer) => `${answer.status} ${answer.bytes}`;
type Send = (headers: Record<string, string>) => Promise<WireAnswer>;

function read(cache: EtagCache, path: string, send: Send): Promise<string> {
  return cache.read({ path, through: seen, send, see: text });
}

test('an unchanged resource is asked for on condition, and a changed one comes whole', async () => {
  const cache = new EtagCache(() => 0);
  const { service, asked, send } = resource({ etag: '"a"', body: 'one' });
  expect(await read(cache, '/x', send)).toBe('200 one');
  expect(await read(cache, '/x', send)).toBe('200 one');
  Object.assign(service, { etag: '"b"', body: 'two' });
  expect(await read(cache, '/x', send)).toBe('200 two');
  expect(asked).toEqual([undefined, '"a"', '"a"']);
});

test('without an ETag nothing is held', async () => {
  const cache = new EtagCache(() => 0);
  const { asked, send } = resource({ body: 'one' });
  await read(cache, '/x', send);
  await read(cache, '/x', send);
  expect(asked).toEqual([undefined, undefined]);
});

test('one ETag for two bodies is found out within ten minutes, and then no answer comes from memory', async () => {
  let now = 0;
  const cache = new EtagCache(() => now);
  const { service, asked, send } = resource({ etag: '"always"', body: 'one' });
  await read(cache, '/x', send);
  service.body = 'two';
  expect(await read(cache, '/x', send)).toBe('200 one');
  now = 10 * 60_000;
  expect(await read(cache, '/x', send)).toBe('200 two');
  service.body = 'three';
  expect(await read(cache, '/x', send)).toBe('200 three');
  expect(asked).toEqual([undefined, '"always"', undefined, undefined]);
});

test('a BMC that cannot bear the condition is asked without it, once more and from then on', async () => {
  const cache = new EtagCache(() => 0);
  const asked: (string | undefined)[] = [];
  const send = async (headers: Record<string, string>) => {
    asked.push(headers['if-none-match']);
    return headers['if-none-match'] === undefined
      ? answerOf({ etag: '"a"', body: 'one' })
      : answerOf({ status: 412, body: 'no' });
  };
  for (let turn = 0; turn < 3; turn++) expect(await read(cache, '/x', send)).toBe('200 one');
  expect(asked).toEqual([undefined, '"a"', undefined, undefined]);
});

test('what is held stays within its bytes: the least recently used goes first', async () => {
  const cache = new EtagCache(() => 0);
  const big = resource({ etag: '"a"', body: 'x'.repeat(50 * 1024) });
  for (const path of ['/1', '/2', '/3', '/4', '/5']) await read(cache, path, big.send);
  await read(cache, '/1', big.send);
  await read(cache, '/6', big.send);
  big.asked.length = 0;
  await read(cache, '/1', big.send);
  await read(cache, '/2', big.send);
  expect(big.asked).toEqual(['"a"', undefined]);
});

test('what was seen through one schema is no answer for another', async () => {
  const cache = new EtagCache(() => 0);
  const { asked, send } = resource({ etag: '"a"', body: 'one' });
  expect(await read(cache, '/x', send)).toBe('200 one');
  const length = (answer: WireAnswer) => answer.bytes.length;
  expect(await cache.read({ path: '/x', through: z.number(), send, see: length })).toBe(3);
  expect(asked).toEqual([undefined, undefined]);
});

test('nothing is held of an answer that says nothing', async () => {
  const cache = new EtagCache(() => 0);
  const { asked, send } = resource({ etag: '"a"', body: '<html>' });
  const refuse = () => {
    throw new Error('no Redfish');
  };
  for (let turn = 0; turn < 2; turn++) {
    await expect(cache.read({ path: '/x', through: seen, send, see: refuse })).rejects.toThrow('no Redfish');
  }
  expect(asked).toEqual([undefined, undefined]);
});
