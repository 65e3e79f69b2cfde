/** How often Slack lets an app call it: by its tiers for each method, and about one message a second in each channel. */

/** Calls a minute. */
const tiers: Record<string, number> = {
  'apps.connections.open': 30,
  'chat.update': 50,
  'chat.delete': 50,
  'chat.startStream': 20,
  'chat.appendStream': 100,
  'chat.stopStream': 20,
  'chat.postEphemeral': 100,
  'conversations.history': 50,
  'conversations.replies': 50,
  'users.info': 100,
  'views.open': 100,
  'views.update': 100,
  'views.publish': 100,
  'reactions.add': 50,
};
/** Slack lets short bursts pass. */
const messageBurst = 4;

export class RateLimits {
  readonly #spent = new Map<string, { left: number; at: number }>();

  /** Seconds after which it would be let through, as Slack's Retry-After says it; undefined where it is now. */
  check(method: string, channel: string): number | undefined {
    if (method === 'chat.postMessage') return this.#take(`${method} ${channel}`, { burst: messageBurst, perSecond: 1 });
    const perMinute = tiers[method];
    return perMinute === undefined ? undefined : this.#take(method, { burst: perMinute, perSecond: perMinute / 60 });
  }

  #take(key: string, { burst, perSecond }: { burst: number; perSecond: number }): number | undefined {
    const now = performance.now() / 1000;
    const known = this.#spent.get(key) ?? { left: burst, at: now };
    const left = Math.min(burst, known.left + (now - known.at) * perSecond);
    this.#spent.set(key, { left: left >= 1 ? left - 1 : left, at: now });
    return left >= 1 ? undefined : Math.max(1, Math.ceil((1 - left) / perSecond));
  }
}
