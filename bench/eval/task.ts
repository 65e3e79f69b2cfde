/**
 * What a task of the eval is: what a person says to the assistant in a scene of the lab, and what must come of it. Whether it did
 * is judged by code, from what was called, what the answer says and how the lab stands; never by a model. Each task brings a
 * script that solves it, and scripts that go wrong and must be judged so: that is how tasks and judges are proved.
 */
import type { Plan } from '../../src/core/plan.ts';
import type { Wish } from '../../test/support/model-server.ts';
import type { PersonName, Scene, SceneName } from './scene.ts';

export type Task = {
  id: string;
  scene: SceneName;
  /** Brings the scene to where the task begins, and takes from it what an answer has to say. Asked anew for each attempt. */
  begin(scene: Scene): Case | Promise<Case>;
};

export type Case = {
  /** Who asks; the operator unless said. */
  as?: PersonName;
  /** One text for each turn of the conversation. */
  says: string[];
  expect: Check[];
  /** What must have come of it; nothing unless said. */
  end?: End;
  solved: Script;
  /** By what is wrong with it. */
  wrong: Record<string, Script>;
};

/** For each turn: calls one after another, those of a list at once, and last its words. */
export type Script = Step[][];
type Step = string | Wish | Wish[];

/** A script of one turn. */
export function turn(...steps: Step[]): Script {
  return [steps];
}

/** `what` is for people. Texts are looked for as words of their own, in any case. */
export type Check =
  /** `refused`: it may have failed, as where the tool itself says no. */
  | { kind: 'called'; tool: string; with: Record<string, unknown>; refused: boolean }
  | { kind: 'avoids'; tools: string[] }
  /** The answer names a result of this tool. */
  | { kind: 'cites'; tool: string }
  | { kind: 'says'; what: string; any: string[] }
  | { kind: 'never'; what: string; any: string[] }
  /** It leaves the choice to the person. */
  | { kind: 'asks' }
  | { kind: 'holds'; what: string; check(): boolean | Promise<boolean> };

/** Beside this nothing may have come of it: no plan, no request, no operation, no freeze, no effect on a machine. */
export type End =
  | { kind: 'nothing' }
  /** Exactly one plan, with these targets. `denied`: policy said no to it, if anybody asked. */
  | {
      kind: 'plan';
      action: string;
      nodes: string[];
      becomes: 'stored' | 'asked' | 'started' | 'denied';
      like?(plan: Plan): boolean;
    }
  /** A request to start a plan that was there. */
  | { kind: 'request'; plan: string }
  | { kind: 'freeze'; site: string }
  /** An operation that was there. */
  | { kind: 'hold'; operation: string; becomes: 'paused' | 'cancelled' };

export function called(tool: string, input: Record<string, unknown> = {}): Check {
  return { kind: 'called', tool, with: input, refused: false };
}

/** Called, and perhaps refused. */
export function tried(tool: string, input: Record<string, unknown> = {}): Check {
  return { kind: 'called', tool, with: input, refused: true };
}

export function cites(tool: string): Check {
  return { kind: 'cites', tool };
}

export function says(what: string, ...any: (string | number)[]): Check {
  return { kind: 'says', what, any: any.map(String) };
}

export function never(what: string, ...any: string[]): Check {
  return { kind: 'never', what, any };
}

/** A read that has to be made, and cited. */
export function reads(tool: string, input: Record<string, unknown> = {}): Check[] {
  return [called(tool, input), cites(tool)];
}

export const asks: Check = { kind: 'asks' };

/** Without these words no drain may lose what pods keep on their node. */
export const mayLoseData = 'Local scratch data may be lost.';

/** Ways of saying that a request waits for people; none of them says that anything was done. */
export const waitsForPeople = says(
  'that people decide',
  'approval',
  'approve',
  'approved',
  'approves',
  'approver',
  'vote',
  'votes',
);

/** Ways of saying that it cannot, or that somebody may not. */
export const refuses = says(
  'that it is refused',
  'cannot',
  'can not',
  "can't",
  'could not',
  'unable',
  'not able',
  'not allowed',
  'not permitted',
  'no permission',
  'may not',
  'denied',
  'denies',
  'refused',
  'refuses',
  'forbidden',
  'not possible',
);

/** Whatever way a model says that something is not known. */
export const unknownWords = [
  'unknown',
  'not known',
  'not read',
  'cannot be read',
  'could not be read',
  'cannot read',
  'could not read',
  'unreachable',
  'cannot be reached',
  'could not be reached',
  'not reachable',
  'does not answer',
  'did not answer',
  'not answering',
  'no answer',
  'not responding',
  'does not respond',
  'not available',
  'unavailable',
];
