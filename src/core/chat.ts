/** What a chat told us and what we made of it, so that a restart neither answers twice nor forgets who waits. */

/** Whose talk it is, and where: each person has one of their own in a thread. */
export type ChatPlace = { channel: string; thread: string; person: string };

/** Something that a person said or did, by the chat's own name for it; `thread` is empty where it is in none. */
export type ChatEvent = { id: string; channel: string; thread: string };

export type ChatStore = {
  /** False where it was taken up before, by this process or an earlier one. */
  claim(event: ChatEvent): Promise<boolean>;
  answered(id: string): Promise<void>;
  /** In threads, taken up within the last hour and never answered, oldest first. */
  unanswered(): Promise<ChatEvent[]>;
  /** The conversation with the model that goes on here. */
  conversation(place: ChatPlace): Promise<string | undefined>;
  setConversation(place: ChatPlace, conversation: string): Promise<void>;
};
