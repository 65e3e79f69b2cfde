/** Events of the lab's BMCs: pushed to subscribers, and streamed. */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterEach, describe, expect, test } from 'vitest';
import type { LabMachine } from '../../src/lab/bmc/profiles/catalog.ts';
import { type EventListener, startEventListener } from '../support/event-listener.ts';
import { account, eventually, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';
import { valueAt } from '../support/value-at.ts';

const service = '/redfish/v1/EventService';
const subscriptions = `${service}/Subscriptions`;
const stops: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function start(vendor: LabMachine, address: string, speed = 3000): Promise<TestBmc> {
  const bmc = await startTestBmc({ vendor, address, speed });
  stops.push(bmc.stop);
  return bmc;
}

async function listen(): Promise<EventListener> {
  const listener = await startEventListener();
  stops.push(listener.stop);
  return listener;
}

function subscribe(bmc: TestBmc, destination: string, more: Record<string, unknown> = {}) {
  return bmc.send('POST', subscriptions, { body: { Destination: destination, Protocol: 'Redfish', ...more } });
}

const messageIds = ({ events }: EventListener) => events.map(({ body }) => valueAt(body, 'Events', 0, 'MessageId'));

describe('a subscriber', () => {
  test('gets every entry of the log, with its context and headers, from the address of the BMC', async () => {
    const bmc = await start('dell', '127.31.24.1');
    const listener = await listen();
    const headers = [{ Authorization: 'Bearer open-sesame' }];
    const made = await subscribe(bmc, listener.url, { Context: 'rack 7', HttpHeaders: headers });
    expect(made.status).toBe(201);
    const reset = '/redfish/v1/Systems/System.Embedded.1/Actions/ComputerSystem.Reset';
    await bmc.send('POST', reset, { body: { ResetType: 'ForceRestart' } });
    await eventually('the event', () => listener.events.length > 0);
    const [event] = listener.events;
    expect(event?.from).toContain('127.31.24.1');
    expect(event?.headers.authorization).toBe('Bearer open-sesame');
    expect(event?.body).toMatchObject({
      Context: 'rack 7',
      Events: [{ MessageId: 'IDRAC.2.8.SYS1001', Severity: 'OK' }],
    });
    const origin = String(valueAt(event?.body, 'Events', 0, 'OriginOfCondition', '@odata.id'));
    expect((await bmc.get(origin)).Message).toBe(valueAt(event?.body, 'Events', 0, 'Message'));
    const shown = await bmc.get(String(made.headers.location));
    expect(JSON.stringify([shown, made.body, bmc.effects.since()])).not.toContain('open-sesame');
  });

  test('hears of a sensor that crosses a threshold although nobody reads it', async () => {
    const bmc = await start('openbmc', '127.31.24.2', 6000);
    const listener = await listen();
    await subscribe(bmc, listener.url);
    bmc.bmc.faults.set({ kind: 'inlet-rising', celsius: 60 });
    await eventually('the event', () => messageIds(listener).includes('OpenBMC.0.4.TMP0118'));
  });

  test('that does not answer is tried again, so often and no more', async () => {
    const bmc = await start('dell', '127.31.24.3');
    const listener = await listen();
    listener.refuse = 6;
    await subscribe(bmc, listener.url);
    const testEvent = (name: string) =>
      bmc.send('POST', `${service}/Actions/EventService.SubmitTestEvent`, { body: { MessageId: name } });
    // Four attempts and the event is lost; the next one gets through with its third.
    await testEvent('Test.1.0.Lost');
    await testEvent('Test.1.0.Late');
    await eventually('the second event', () => listener.events.length > 0);
    expect([messageIds(listener), listener.attempts]).toEqual([['Test.1.0.Late'], 7]);
  });

  test('hears nothing more once it is gone', async () => {
    const bmc = await start('hpe', '127.31.24.4');
    const [leaving, staying] = [await listen(), await listen()];
    const made = await subscribe(bmc, leaving.url);
    await subscribe(bmc, staying.url);
    expect((await bmc.send('DELETE', String(made.headers.location))).status).toBe(204);
    expect((await bmc.send('GET', String(made.headers.location))).status).toBe(404);
    bmc.bmc.faults.set({ kind: 'event-storm', count: 1 });
    await eventually('the event', () => staying.events.length === 1);
    expect(leaving.attempts).toBe(0);
  });

  test('of something else than alerts hears nothing of the log', async () => {
    const bmc = await start('hpe', '127.31.24.5');
    const [metrics, alerts] = [await listen(), await listen()];
    await subscribe(bmc, metrics.url, { EventTypes: ['MetricReport'] });
    await subscribe(bmc, alerts.url, { EventTypes: ['Alert'] });
    bmc.bmc.faults.set({ kind: 'event-storm', count: 3 });
    await eventually('the events', () => alerts.events.length === 3);
    expect(metrics.attempts).toBe(0);
  });

  test('is refused beyond the limit, and with what cannot be a subscription', async () => {
    const bmc = await start('ami', '127.31.24.6');
    for (let i = 0; i < 8; i++) expect((await subscribe(bmc, 'http://127.0.0.1:1/')).status).toBe(201);
    const ninth = await subscribe(bmc, 'http://127.0.0.1:1/');
    expect(ninth.status).toBe(400);
    expect(ninth.body.error?.['@Message.ExtendedInfo']?.[0]?.MessageId).toMatch(/CreateLimitReachedForResource$/);
    expect((await bmc.get(subscriptions)).Members).toHaveLength(8);
    for (const body of [
      { Protocol: 'Redfish' },
      { Destination: 'udp://127.0.0.1/', Protocol: 'Redfish' },
      { Destination: 'http://127.0.0.1:1/', Protocol: 'SNMPv3' },
      { Destination: 'http://127.0.0.1:1/', Protocol: 'Redfish', HttpHeaders: 'none' },
    ]) {
      expect((await bmc.send('POST', subscriptions, { body })).status).toBe(400);
    }
  });
});

describe('a stream of events', () => {
  async function open(bmc: TestBmc): Promise<{ response: IncomingMessage; text: () => string }> {
    const uri = String(valueAt(await bmc.get(service), 'ServerSentEventUri'));
    const basic = Buffer.from(`${account.username}:${account.password}`).toString('base64');
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { Authorization: `Basic ${basic}` };
      request(new URL(uri, bmc.bmc.url), { ca: bmc.certificate.cert, agent: false, headers }, resolve)
        .on('error', reject)
        .end();
    });
    let text = '';
    response.on('data', chunk => {
      text += chunk;
    });
    response.on('error', () => {});
    stops.push(() => void response.destroy());
    return { response, text: () => text };
  }

  test('brings entries as they are written, in order', async () => {
    const bmc = await start('openbmc', '127.31.24.7');
    const { response, text } = await open(bmc);
    expect(response.headers['content-type']).toBe('text/event-stream');
    await eventually('the stream', () => text() !== '');
    bmc.bmc.faults.set({ kind: 'event-storm', count: 50 });
    const events = () => [...text().matchAll(/^data: (.+)$/gm)].map(([, json]) => JSON.parse(json ?? '{}'));
    await eventually('all events', () => events().length === 50);
    const messages = events().map(event => String(valueAt(event, 'Events', 0, 'Message')));
    expect(messages.map(message => Number(/\((\d+)\)/.exec(message)?.[1]))).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
  });

  test('is a subscription as long as it is open, and is cut when the BMC restarts', async () => {
    const bmc = await start('openbmc', '127.31.24.8');
    const { response, text } = await open(bmc);
    await eventually('the stream', () => text() !== '');
    const [member] = (await bmc.get(subscriptions)).Members ?? [];
    expect(await bmc.get(String(member?.['@odata.id']))).toMatchObject({ SubscriptionType: 'SSE' });
    await bmc.send('POST', '/redfish/v1/Managers/bmc/Actions/Manager.Reset', { body: { ResetType: 'ForceRestart' } });
    await eventually('the cut', () => response.closed);
  });

  test('needs credentials', async () => {
    const bmc = await start('openbmc', '127.31.24.9');
    expect((await bmc.send('GET', `${service}/SSE`, { anonymous: true })).status).toBe(401);
  });
});
