/**
 * Groups that a file gives to people beside the configuration, taken up while
 * the service runs. The file is read again before each effect, so a right that
 * was taken away there is gone at the next one. What is not sound changes
 * nothing and is told; it never gives a group that the configuration does not
 * accept from it.
 */
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { digestOf } from '../core/canonical.ts';
import { FleetError } from '../core/errors.ts';

const largestFile = 1024 * 1024;
const mostAliases = 100;
/** Between two looks that have to see the same, so that no half-written file is taken up. */
const settleMs = 100;
const mostLooks = 20;

const form = z.strictObject({ people: z.record(z.string(), z.array(z.string())) });

export type DirectorySource = {
  file: string;
  /** Names of the people that the configuration knows. */
  people: readonly string[];
  /** Groups that the file may give. */
  accept: readonly string[];
};

/** How the file stands against what is followed. */
export type DirectoryStatus =
  | { state: 'current'; digest: string }
  | { state: 'kept'; digest: string; error: FleetError };

type Loaded = { groups: Map<string, string[]>; digest: string };

export class DirectoryGroups {
  readonly #source: DirectorySource;
  #loaded: Loaded;
  #status: DirectoryStatus;
  #seen: string | undefined;
  #reading: Promise<void> | undefined;

  /** Throws `invalid_config` where the file is not usable: a service never starts with rights that nobody wrote. */
  constructor(source: DirectorySource) {
    this.#source = source;
    this.#seen = textOf(source.file);
    this.#loaded = parse(this.#seen, source);
    this.#status = { state: 'current', digest: this.#loaded.digest };
  }

  get status(): DirectoryStatus {
    return this.#status;
  }

  of(person: string): string[] {
    return this.#loaded.groups.get(person) ?? [];
  }

  /** Takes the file up as it stands now. Never throws. */
  read(): Promise<void> {
    this.#reading ??= this.#takeUp().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Reads every `everyMs` and tells each new status. Answers what ends it. */
  watch(everyMs: number, onChange: (status: DirectoryStatus) => void): () => Promise<void> {
    let told = saying(this.#status);
    const timer = setInterval(async () => {
      await this.read();
      if (saying(this.#status) === told) return;
      told = saying(this.#status);
      onChange(this.#status);
    }, everyMs);
    return async () => clearInterval(timer);
  }

  async #takeUp(): Promise<void> {
    let text = textOf(this.#source.file);
    if (text === this.#seen) return;
    for (let before: string | undefined, looks = 0; looks === 0 || (text !== before && looks < mostLooks); looks++) {
      before = text;
      await delay(settleMs);
      text = textOf(this.#source.file);
    }
    this.#seen = text;
    try {
      this.#loaded = parse(text, this.#source);
      this.#status = { state: 'current', digest: this.#loaded.digest };
    } catch (thrown) {
      this.#status = { state: 'kept', digest: this.#loaded.digest, error: FleetError.from(thrown) };
    }
  }
}

function saying(status: DirectoryStatus): string {
  return [status.digest, 'error' in status ? status.error.message : ''].join();
}

/** Undefined where it cannot be read. */
function textOf(file: string): string | undefined {
  try {
    return statSync(file).size <= largestFile ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

function parse(text: string | undefined, { people, accept }: DirectorySource): Loaded {
  if (text === undefined) throw unusable(`it cannot be read, or is larger than ${largestFile / 1024} KiB`);
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) throw unusable('it is not valid YAML');
  const read = form.safeParse(toValue(document));
  if (!read.success) throw unusable(z.prettifyError(read.error));
  const given = Object.entries(read.data.people);
  const stranger = given.find(([name]) => !people.includes(name));
  if (stranger) throw unusable(`the configuration has nobody named ${JSON.stringify(stranger[0].slice(0, 60))}`);
  const group = given.flatMap(([, groups]) => groups).find(each => !accept.includes(each));
  if (group !== undefined)
    throw unusable(`directory.accept does not name the group ${JSON.stringify(group.slice(0, 60))}`);
  return { groups: new Map(given), digest: digestOf(read.data) };
}

function toValue(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: mostAliases });
  } catch {
    throw unusable('it has too many aliases');
  }
}

function unusable(why: string): FleetError {
  return new FleetError({ code: 'invalid_config', message: `the directory of groups is not usable: ${why}` });
}
