import { describe, expect, it } from 'vitest';
import { EndlessEvent, SseParser } from '../../src/adapters/redfish/events/sse-parser.ts';

function heardIn(...chunks: string[]): { heard: number; parser: SseParser } {
  let heard = 0;
  const parser = new SseParser(() => heard++);
  for (const chunk of chunks) parser.take(Buffer.from(chunk));
  return { heard, parser };
}

describe('a stream of events', () => {
  const two = ': open\n\nid: 7\ndata: {"Events":[]}\n\nevent: alert\r\nid: 8\r\ndata: a\r\ndata: b\r\n\r\n';

  it('is heard the same however it is cut', () => {
    for (let cut = 0; cut <= two.length; cut++) {
      const { heard, parser } = heardIn(two.slice(0, cut), two.slice(cut));
      expect([cut, heard, parser.lastEventId]).toEqual([cut, 2, '8']);
    }
    expect(heardIn(...two).heard).toBe(2);
    expect(heardIn(two.replaceAll('\r\n', '\r')).heard).toBe(2);
  });

  it('has no event in half of one, in comments, in other fields, and in reports of measurements', () => {
    for (const none of [
      'data: {"Events"',
      'data: {}\n',
      ': data: {}\n\n',
      'id: 3\n\n',
      'date: {}\n\n',
      '<html>data: x</html>\n\n',
      'data: {"@odata.type":"#MetricReport.v1_4_1.MetricReport"}\n\n',
    ])
      expect([none, heardIn(none).heard]).toEqual([none, 0]);
    expect(heardIn('data\n\n', 'data:\n\n').heard).toBe(2);
  });

  it('gives no id that could break out of a header', () => {
    const { parser } = heardIn('id: 5\n\n', 'id: a b\n\n', `id: ${'x'.repeat(200)}\n\n`, 'id: \u00e9\n\n', 'id:\n\n');
    expect(parser.lastEventId).toBe('5');
  });

  it('ends where a line or an event has no end', () => {
    const piece = 'x'.repeat(1000);
    const parser = new SseParser(() => {});
    const feed = (text: string, times: number) => {
      for (let i = 0; i < times; i++) parser.take(Buffer.from(text));
    };
    feed(`${piece}\n`, 1000);
    expect(() => feed(`${piece}\n`, 100)).toThrow(EndlessEvent);
    expect(() => heardIn('data: ', ...Array(300).fill(piece))).toThrow(EndlessEvent);
    expect(heardIn(...Array(3000).fill(`data: ${piece}\n\n`)).heard).toBe(3000);
  });
});
