/** Posts as the database keeps them, over several lives. */
import type { Post, PostStore } from '../../src/core/posts.ts';

export function memoryPosts(): PostStore {
  const rows = new Map<string, Post>();
  return {
    get: async key => rows.get(key),
    open: async () => [...rows.values()].filter(({ final }) => !final),
    missing: async keys => keys.filter(key => !rows.has(key)),
    begun: async () => new Date(),
    claim: async post => !rows.has(post.key) && rows.set(post.key, { ...post, final: false }) !== undefined,
    gone: async (key, channel) => void rows.set(key, { key, channel, final: false }),
    sent: async (key, state) => void rows.set(key, { key, channel: rows.get(key)?.channel ?? 'C0OPS', ...state }),
  };
}
