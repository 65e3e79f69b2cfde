/** Bolt and its parts would log what they send and receive, which is what people say. We log what happened, elsewhere. */
import { LogLevel } from '@slack/bolt';

const nothing = () => undefined;

export const silentLogger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  setName: nothing,
  getLevel: () => LogLevel.ERROR,
};
