import { afterAll, describe, expect, it } from 'vitest';
import { contractCluster, until } from '../../support/contract-cluster.ts';

const on = await contractCluster('watches');
const { api, path } = on;
const maps = path('configmaps');

afterAll(() => on.close());

const create = (name: string, labels: Record<string, string> = {}) => api.create(maps, { metadata: { name, labels } });
const label = (name: string, labels: Record<string, string>) =>
  api.must(api.patch(path('configmaps', name), 'merge-patch', { metadata: { labels } }));
const watchOf = (parameters: Record<string, string>) =>
  api.watch(`${maps}?${new URLSearchParams({ watch: 'true', ...parameters })}`);

describe('watches', () => {
  it('begin after the version they name, in order of versions', async () => {
    const { metadata } = await create('ordered');
    await label('ordered', { step: '1' });
    const watch = await watchOf({
      fieldSelector: 'metadata.name=ordered',
      resourceVersion: metadata.resourceVersion,
    });
    await label('ordered', { step: '2' });
    await api.must(api.remove(path('configmaps', 'ordered')));
    await until('three events', () => watch.events.length >= 3);
    expect(watch.status).toBe(200);
    expect(watch.events.map(({ type }) => type)).toEqual(['MODIFIED', 'MODIFIED', 'DELETED']);
    expect(watch.events.map(({ object }) => object.metadata.labels?.step)).toEqual(['1', '2', '2']);
    const versions = watch.events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(new Set(versions).size).toBe(3);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    watch.stop();
  });

  it('see an object leave their selector as DELETED, and come back as ADDED', async () => {
    const { metadata } = await create('leaving', { on: 'yes' });
    const watch = await watchOf({ labelSelector: 'on=yes', resourceVersion: metadata.resourceVersion });
    await label('leaving', { on: 'no' });
    await label('leaving', { unseen: 'yes' });
    await label('leaving', { on: 'yes' });
    await until('two events', () => watch.events.length >= 2);
    expect(watch.events.map(({ type, object }) => [type, object.metadata.name])).toEqual([
      ['DELETED', 'leaving'],
      ['ADDED', 'leaving'],
    ]);
    watch.stop();
  });

  it('without a version begin with what is there', async () => {
    await create('there', { kept: 'yes' });
    const watch = await watchOf({ labelSelector: 'kept=yes' });
    await until('it is told', () => watch.events.length > 0);
    expect(watch.events).toMatchObject([{ type: 'ADDED', object: { metadata: { name: 'there' } } }]);
    watch.stop();
  });

  it('of a version that is forgotten end with 410, in the stream or as the answer', async context => {
    on.lab?.compact();
    const watch = await watchOf({ resourceVersion: '1', timeoutSeconds: '10' });
    await until('the stream ends', () => watch.ended());
    // A server so young that it forgot nothing yet plays everything since its first version.
    const forgotten = watch.status !== 200 || watch.events.some(({ type }) => type === 'ERROR');
    if (!forgotten && on.lab === undefined) context.skip('this server has forgotten nothing yet');
    const status = watch.status === 200 ? watch.events[0]?.object : (watch.events[0] as unknown);
    expect([200, 410]).toContain(watch.status);
    if (watch.status === 200) expect(watch.events.map(({ type }) => type)).toEqual(['ERROR']);
    expect(status).toMatchObject({ kind: 'Status', code: 410, reason: expect.stringMatching(/^(Expired|Gone)$/) });
  });

  it('end when they said, and get bookmarks only when they ask', async () => {
    const { metadata } = await create('marked');
    const fieldSelector = 'metadata.name=marked';
    const limits = { timeoutSeconds: '6', resourceVersion: metadata.resourceVersion, fieldSelector };
    const plain = await watchOf(limits);
    const marked = await watchOf({ ...limits, allowWatchBookmarks: 'true' });
    await label('marked', { step: '1' });
    await until('both end', () => plain.ended() && marked.ended());
    expect(plain.events.map(({ type }) => type)).toEqual(['MODIFIED']);
    const bookmark = marked.events.find(({ type }) => type === 'BOOKMARK')?.object;
    expect(bookmark?.kind).toBe('ConfigMap');
    expect(Number(bookmark?.metadata.resourceVersion)).toBeGreaterThan(Number(metadata.resourceVersion));
    expect(bookmark?.metadata.name).toBeFalsy();
  });
});
