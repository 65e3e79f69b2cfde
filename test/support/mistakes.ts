/** A stack to make mistakes on: after each test, nothing may have been planned, asked for, voted on, started or sent to a machine. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { connect } from '../../src/surfaces/cli/client.ts';
import { changes } from './audit.ts';
import { openShell, type Ran, type Shell } from './program.ts';
import { type Stack, startStack } from './stack.ts';

/** Exit statuses as `--help` lists them. */
export const failed = 1;
export const usage = 2;
export const denied = 3;
export const notLoggedIn = 4;
export const unreachable = 5;

type Traces = Record<string, number>;

export class MistakeScene {
  #opened: { stack: Stack; shell: Shell; db: pg.Client; token: string } | undefined;
  #before: Traces = {};

  /** Registers itself with the test file that makes it. */
  constructor(addressBase: string) {
    beforeAll(async () => {
      const stack = await startStack({ addressBase });
      const shell = await openShell(() => stack.service().ready.url);
      const db = new pg.Client({ connectionString: stack.databaseUrl });
      await db.connect();
      const { url } = stack.service().ready;
      const { token } = await connect({ url }).login({ ...stack.config.people[0], channel: 'cli' });
      this.#opened = { stack, shell, db, token };
    });
    beforeEach(() => this.accept());
    afterEach(async () => {
      for (const { nodes, cluster } of this.stack.lab.sites) {
        cluster.faults.clear();
        for (const node of nodes) node.server.faults.clear();
      }
      await this.expectNoTrace();
    });
    afterAll(async () => {
      await this.#opened?.shell.close();
      await this.#opened?.db.end();
      await this.#opened?.stack.close();
    });
  }

  get #open() {
    if (!this.#opened) throw new Error('the scene opens with the first test');
    return this.#opened;
  }

  get stack(): Stack {
    return this.#open.stack;
  }

  get shell(): Shell {
    return this.#open.shell;
  }

  get db(): pg.Client {
    return this.#open.db;
  }

  /** The requester's. */
  get token(): string {
    return this.#open.token;
  }

  get url(): string {
    return this.stack.service().ready.url;
  }

  /** A catalogue image that fits bos-w-3. */
  get image(): string {
    return this.stack.lab.images.find(({ vendor }) => vendor === 'dell')?.id ?? '';
  }

  /** Runs the program as the requester. */
  run(...args: string[]): Promise<Ran> {
    return this.shell.run(args, { GROUNDSKEEPER_TOKEN: this.token });
  }

  /** What happened so far was meant to. */
  async accept(): Promise<void> {
    this.#before = await this.#traces();
  }

  async expectNoTrace(): Promise<void> {
    expect(await this.#traces(), 'a mistake left something behind').toEqual(this.#before);
  }

  async #traces(): Promise<Traces> {
    const counts: Traces = { effects: changes(this.stack.lab.effects.since()).length };
    for (const table of ['plan', 'approval', 'vote', 'operation'])
      counts[table] = (await this.db.query(`select from ${table}`)).rows.length;
    return counts;
  }
}

/** What it complained of, its words as they were before lines were broken. */
export function told({ stderr }: Ran): string {
  return stderr.replace(/\s+/g, ' ').trim();
}

/** It failed as it should: this status and message, no stack trace, and nothing on stdout that a script could take for an answer. */
export function expectFailure(ran: Ran, code: number, message: RegExp): void {
  expect(told(ran)).toMatch(message);
  expect(ran.code, told(ran)).toBe(code);
  expect(ran.stderr).not.toMatch(/\n\s+at .*[:/]\d+/);
  expect(ran.stdout).toBe('');
}
