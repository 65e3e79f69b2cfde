/**
 * Hears in a stream of server-sent events that there was one. What it says is
 * not kept: of a line only the beginning, to tell what it is. A machine that
 * sends without end is told by lines and events that have none.
 */

/** The stream is no use: a line or an event is longer than any that is meant. */
export class EndlessEvent extends Error {}

const maxLineBytes = 256 * 1024;
const maxEventBytes = 1024 * 1024;
const headBytes = 512;
const lineFeed = 10;
const carriageReturn = 13;
/** It goes into a header of the next request. */
const idForm = /^[\x21-\x7e]{1,128}$/;

export class SseParser {
  readonly #heard: () => void;
  readonly #head = Buffer.alloc(headBytes);
  #lineBytes = 0;
  #eventBytes = 0;
  #afterReturn = false;
  #isEvent = false;
  #lastEventId: string | undefined;

  /** `heard` is called at the end of each event; reports of measurements are none. */
  constructor(heard: () => void) {
    this.#heard = heard;
  }

  /** To be sent with the next request, so that the BMC can go on from there. */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  /** The next bytes, however they are cut. Throws {@link EndlessEvent}. */
  take(chunk: Uint8Array): void {
    for (const byte of chunk) {
      const isPairsEnd = byte === lineFeed && this.#afterReturn;
      this.#afterReturn = byte === carriageReturn;
      if (isPairsEnd) continue;
      if (byte === lineFeed || byte === carriageReturn) this.#endLine();
      else this.#add(byte);
    }
  }

  #add(byte: number): void {
    if (this.#lineBytes < headBytes) this.#head[this.#lineBytes] = byte;
    this.#lineBytes++;
    this.#eventBytes++;
    if (this.#lineBytes > maxLineBytes) throw new EndlessEvent('a line has no end');
    if (this.#eventBytes > maxEventBytes) throw new EndlessEvent('an event has no end');
  }

  #endLine(): void {
    if (this.#lineBytes === 0) this.#endEvent();
    else this.#noteField(this.#head.toString('latin1', 0, Math.min(this.#lineBytes, headBytes)));
    this.#lineBytes = 0;
  }

  #noteField(head: string): void {
    const [, field, value = ''] = /^(\w+)(?:: ?(.*))?$/s.exec(head) ?? [];
    if (field === 'data' && !value.includes('#MetricReport.')) this.#isEvent = true;
    if (field === 'id' && idForm.test(value)) this.#lastEventId = value;
  }

  #endEvent(): void {
    this.#eventBytes = 0;
    if (this.#isEvent) this.#heard();
    this.#isEvent = false;
  }
}
