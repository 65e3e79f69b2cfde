/** Asks for a reason before something that stays on record. */
import type { types, ViewOutput } from '@slack/bolt';

const block = 'reason';
const action = 'text';
const longest = 500;

export type ReasonModal = {
  callback: string;
  title: string;
  submit: string;
  label: string;
  /** Comes back with what was typed. */
  about?: object;
};

export function reasonModal({ callback, title, submit, label, about = {} }: ReasonModal): types.ModalView {
  return {
    type: 'modal',
    callback_id: callback,
    private_metadata: JSON.stringify(about),
    title: plainText(title),
    submit: plainText(submit),
    close: plainText('Back'),
    blocks: [
      {
        type: 'input',
        block_id: block,
        label: plainText(label),
        element: { type: 'plain_text_input', action_id: action, multiline: true, max_length: longest },
      },
    ],
  };
}

/** Empty where only blanks were typed. */
export function reasonIn({ state }: Pick<ViewOutput, 'state'>): string {
  return state.values[block]?.[action]?.value?.trim() ?? '';
}

/** The answer to a submission without a reason: the modal stays, and says why. */
export function reasonMissing(why: string) {
  return { response_action: 'errors', errors: { [block]: why } } as const;
}

export function plainText(text: string): types.PlainTextElement {
  return { type: 'plain_text', text, emoji: false };
}
