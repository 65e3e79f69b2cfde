/** What the host is told to start from, once or until further notice, and what of it waits in a settings object. */
import type { BootEnabled, BootMode, BootSpec } from './profiles/acts.ts';
import type { Refusal } from './reply.ts';

export type BootSettings = {
  enabled: BootEnabled;
  target: string;
  mode: BootMode | undefined;
  uefiTarget: string | null;
  httpUri: string | null;
};

const modes: readonly string[] = ['UEFI', 'Legacy'];

export class BootOverride {
  readonly #spec: BootSpec;
  #current: BootSettings;
  /** Waits for the next POST, where the vendor takes changes through a settings object alone. */
  #pending: BootSettings | undefined;

  constructor(spec: BootSpec) {
    this.#spec = spec;
    this.#current = { enabled: 'Disabled', target: 'None', mode: spec.mode?.initial, uefiTarget: null, httpUri: null };
  }

  get current(): Readonly<BootSettings> {
    return this.#current;
  }

  /** What the settings object shows. */
  get waiting(): Readonly<BootSettings> {
    return this.#pending ?? this.#current;
  }

  /** Why this `Boot` object cannot be taken; undefined when it can. */
  refusal(asked: Record<string, unknown>): Refusal | undefined {
    const known = writable(this.#spec);
    for (const [name, value] of Object.entries(asked)) {
      const accepts = known.get(name);
      if (accepts === undefined) return { name: 'PropertyUnknown', about: name };
      if (!accepts(value)) return { name: 'PropertyValueNotInList', about: name };
    }
    return undefined;
  }

  /** Takes a `Boot` object that {@link refusal} had nothing against. */
  change(asked: Record<string, unknown>): void {
    const { settings, mode } = this.#spec;
    const fields = asked as {
      BootSourceOverrideEnabled?: BootEnabled;
      BootSourceOverrideTarget?: string;
      BootSourceOverrideMode?: BootMode;
      UefiTargetBootSourceOverride?: string | null;
      HttpBootUri?: string | null;
    };
    const before = this.waiting;
    const after: BootSettings = {
      enabled: fields.BootSourceOverrideEnabled ?? before.enabled,
      target: fields.BootSourceOverrideTarget ?? before.target,
      mode: fields.BootSourceOverrideMode ?? (mode?.forgets ? 'Legacy' : before.mode),
      uefiTarget: fields.UefiTargetBootSourceOverride ?? before.uefiTarget,
      httpUri: fields.HttpBootUri ?? before.httpUri,
    };
    if (settings?.only) this.#pending = after;
    else this.#current = after;
  }

  /** What this boot starts from; what was for once is used up by it. */
  take(): BootSettings {
    const taken = this.#pending ?? this.#current;
    this.#pending = undefined;
    this.#current = taken.enabled === 'Once' ? { ...taken, enabled: 'Disabled', target: 'None' } : taken;
    return taken.enabled === 'Disabled' ? { ...taken, target: 'None' } : taken;
  }
}

type Accepts = (value: unknown) => boolean;

function writable({ enabled, targets, mode, uefiTarget, http }: BootSpec): Map<string, Accepts> {
  const oneOf =
    (values: readonly string[]): Accepts =>
    value =>
      typeof value === 'string' && values.includes(value);
  const text: Accepts = value => value === null || typeof value === 'string';
  return new Map([
    ['BootSourceOverrideEnabled', oneOf(enabled)],
    ['BootSourceOverrideTarget', oneOf(targets)],
    ...(mode === undefined ? [] : [['BootSourceOverrideMode', oneOf(modes)] as const]),
    ...(uefiTarget ? [['UefiTargetBootSourceOverride', text] as const] : []),
    ...(http.uri === 'absent' ? [] : [['HttpBootUri', text] as const]),
  ]);
}
