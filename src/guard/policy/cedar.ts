/**
 * The Cedar evaluator and its two hazards. A trap inside WebAssembly leaves the
 * instance dead for good, so after any throw a new one replaces it. And its
 * cache of parsed policies has no delete, so exactly two slots are used in
 * turn, each tied to the policy text that was put there.
 */
import { createRequire } from 'node:module';
import type * as CedarApi from '@cedar-policy/cedar-wasm/nodejs';
import { FleetError } from '../../core/errors.ts';

export type CedarModule = typeof CedarApi;

/** A schema with policies by id. Compared by identity. */
export type PolicySource = { schema: string; policies: Record<string, string> };
export type CedarRequest = Omit<
  CedarApi.StatefulAuthorizationCall,
  'preparsedPolicySetId' | 'preparsedSchemaName' | 'validateRequest'
>;

const moduleId = '@cedar-policy/cedar-wasm/nodejs';
const require = createRequire(import.meta.url);

function instantiate(): CedarModule {
  delete require.cache[require.resolve(moduleId)];
  return require(moduleId) as CedarModule;
}

export class Cedar {
  #module = instantiate();
  #slots: (PolicySource | undefined)[] = [undefined, undefined];
  #newest = 0;

  /** Runs one call into the evaluator. If it throws, a new instance takes over and `internal` is thrown. */
  call<T>(use: (cedar: CedarModule) => T): T {
    try {
      return use(this.#module);
    } catch (cause) {
      this.#module = instantiate();
      this.#slots = [undefined, undefined];
      throw new FleetError({ code: 'internal', message: 'the policy evaluator failed and was started again', cause });
    }
  }

  /** Evaluates one request under exactly `source`, the request checked against its schema. */
  authorize(source: PolicySource, request: CedarRequest): CedarApi.AuthorizationAnswer {
    const slot = this.#slotOf(source);
    return this.call(cedar =>
      cedar.statefulIsAuthorized({
        ...request,
        preparsedPolicySetId: `policies-${slot}`,
        preparsedSchemaName: `schema-${slot}`,
        validateRequest: true,
      }),
    );
  }

  #slotOf(source: PolicySource): number {
    const held = this.#slots.indexOf(source);
    if (held >= 0) {
      this.#newest = held;
      return held;
    }
    const slot = 1 - this.#newest;
    this.#slots[slot] = undefined;
    const answers = this.call(cedar => [
      cedar.preparseSchema(`schema-${slot}`, source.schema),
      cedar.preparsePolicySet(`policies-${slot}`, { staticPolicies: source.policies }),
    ]);
    if (answers.some(answer => answer.type !== 'success')) {
      throw new FleetError({ code: 'internal', message: 'the policy evaluator refused a policy that was loaded' });
    }
    this.#slots[slot] = source;
    this.#newest = slot;
    return slot;
  }
}

/** One evaluator per process: an instance holds 10 MB and every loaded policy can share it. */
export const sharedCedar = new Cedar();
