/**
 * The token of an MCP program, for as long as an editor runs: it ends with the
 * log-in that it was derived from. Once the person has logged in again, another
 * one is derived and the call that met the end is made once more.
 */
import { FleetError } from '../../core/errors.ts';
import type { Scope } from '../../core/tool.ts';
import { type Client, connect } from '../cli/client.ts';

export type McpSession = {
  url: string;
  person: string;
  scope: Scope;
  /** Throws what the call throws; `unauthenticated` where nobody has logged in again, or somebody else has. */
  call<T>(work: (service: Client) => Promise<T>): Promise<T>;
  /** Gives the token back. */
  end(): Promise<void>;
};

type Derived = { service: Client; person: string; scope: Scope };

/** `user` is asked for who is logged in now. Throws `unauthenticated` or service_unreachable where no token can be derived. */
export async function mcpSession(user: () => Promise<Client>): Promise<McpSession> {
  let current = await derived(user);
  const { person, scope } = current;
  /** Calls that met the end together derive one token. */
  let renewing: Promise<Derived> | undefined;

  async function renewed(ended: Derived): Promise<Derived> {
    if (current !== ended) return current;
    renewing ??= derived(user)
      .then(next => sameAs(person, next))
      .finally(() => {
        renewing = undefined;
      });
    current = await renewing;
    return current;
  }

  return {
    url: current.service.url,
    person,
    scope,
    async call(work) {
      const used = current;
      try {
        return await work(used.service);
      } catch (thrown) {
        if (!isLoggedOut(thrown)) throw thrown;
        const next = await renewed(used).catch((refused: unknown) => {
          throw isLoggedOut(refused) ? thrown : refused;
        });
        return work(next.service);
      }
    },
    async end() {
      await renewing?.catch(() => undefined);
      await current.service.logout();
    },
  };
}

async function derived(user: () => Promise<Client>): Promise<Derived> {
  const client = await user();
  const { token, person, scope } = await client.deriveToken({ channel: 'mcp' });
  return { service: connect({ url: client.url, token, agent: 'groundskeeper-mcp' }), person, scope };
}

/** An editor goes on as whom it began with: what it was told stays in its conversation. */
async function sameAs(person: string, given: Derived): Promise<Derived> {
  if (given.person === person) return given;
  await given.service.logout().catch(() => undefined);
  throw new FleetError({
    code: 'forbidden',
    message: `this program began as ${person}, and ${given.person} is logged in now`,
    hint: 'start the MCP server anew in the editor, or log in as before: groundskeeper login',
  });
}

function isLoggedOut(thrown: unknown): boolean {
  return thrown instanceof FleetError && thrown.code === 'unauthenticated';
}
