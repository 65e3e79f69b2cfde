/**
 * Plots beside the words that they belong to. The words go out first and wait
 * for no plot: one that cannot be drawn or that Slack does not take is told in
 * the log, once until another one arrives, and everything else goes on.
 */
import { createHash } from 'node:crypto';
import { FleetError } from '../../core/errors.ts';
import type { Picture } from '../../core/picture.ts';
import { drawPicture } from '../plots/draw-picture.ts';
import { line } from './blocks/text.ts';
import type { SlackLog } from './parts.ts';
import { type Place, type SlackClient, SlackRefusal } from './slack-client.ts';
import { uploadSurely } from './upload.ts';

export type Shown = {
  place: Place;
  picture: Picture;
  /** One file for each. */
  key: string;
  /** An earlier life may have posted it. */
  mayStand?: boolean;
};

export type Pictures = {
  /** Never throws. False where the service ended before it was known what became of it. */
  show(shown: Shown): Promise<boolean>;
  /** When all that was begun has ended. */
  idle(): Promise<unknown>;
};

export type PictureParts = { client: SlackClient; log: Pick<SlackLog, 'warn'>; signal: AbortSignal };

const longestTitle = 150;
const manifest = 'install the app again from deploy/slack/manifest.yaml: it needs files:write for plots';

export function createPictures({ client, log, signal }: PictureParts): Pictures {
  const underWay = new Set<Promise<boolean>>();
  let told = '';

  async function show({ place, picture, key, mayStand = false }: Shown): Promise<boolean> {
    try {
      const title = line(picture.title, longestTitle);
      const file = { name: fileName(picture, key), title, alt: `Plot: ${title}`, bytes: () => drawPicture(picture) };
      await uploadSurely(place, file, { client, signal, mayStand });
      told = '';
      return true;
    } catch (thrown) {
      if (signal.aborted) return false;
      const { message, hint } = FleetError.from(thrown);
      const needed = thrown instanceof SlackRefusal && thrown.error === 'missing_scope' ? manifest : hint;
      if (message !== told)
        log.warn({ reason: message, hint: needed }, 'a plot was not posted to Slack; its words stand there');
      told = message;
      return true;
    }
  }

  return {
    show(shown) {
      const mine = show(shown).finally(() => underWay.delete(mine));
      underWay.add(mine);
      return mine;
    },
    idle: () => Promise.allSettled(underWay),
  };
}

/** By which it is found again where nobody knows whether it was posted. */
function fileName({ kind }: Picture, key: string): string {
  return `${kind}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}.png`;
}
