/** What was posted to a chat and what it says there, so that a restart neither posts twice nor forgets what to keep up to date. */

export type Post = {
  /** What it is about, such as `approval/apr-0123456789`; one post for each. */
  key: string;
  channel: string;
  /** Where it stands; undefined while nobody knows whether it was posted. */
  at?: string;
  /** Digest of what it says there. */
  digest?: string;
  /** Nothing will change it any more. */
  final: boolean;
};

export type PostStore = {
  get(key: string): Promise<Post | undefined>;
  /** Those that are kept up to date, oldest first. */
  open(): Promise<Post[]>;
  /** Those of the keys that have none. */
  missing(keys: string[]): Promise<string[]>;
  /** When the first one was claimed; now where none was. */
  begun(): Promise<Date>;
  /** Before anything is sent: false where there is one already. */
  claim(post: Pick<Post, 'key' | 'channel'>): Promise<boolean>;
  /** It stands nowhere that it could be changed, and is to be posted anew in this channel. */
  gone(key: string, channel: string): Promise<void>;
  sent(key: string, state: { at: string; digest: string; final: boolean }): Promise<void>;
};
