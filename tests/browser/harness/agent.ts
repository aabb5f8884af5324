// The agent's own software: listens to all sessions of its agent, knows who writes, and answers without a word about it.
import type { ReadableStream } from 'node:stream/web';
import { createParser } from 'eventsource-parser';
import type { Agent, Buddy } from './buddy.ts';

export interface Heard {
  sessionId: string;
  text: string;
  /** What Buddy says of the session as it hands the message over. */
  status: string;
  userId: string | null;
}

export type Answer = (heard: Heard, replies: Replies) => Promise<void>;

/** What visitors see of being known: that they are, and not as whom. */
export const REPLY_TO_USER = 'I know you. You wrote:';
export const REPLY_TO_GUEST = 'I do not know you. You wrote:';

const echo: Answer = async ({ userId, text }, replies) => {
  await replies.say(`${userId === null ? REPLY_TO_GUEST : REPLY_TO_USER} ${text}`);
};

/** A session's replies. */
export class Replies {
  constructor(
    private readonly buddy: Buddy,
    private readonly key: string,
    private readonly sessionId: string,
  ) {}

  async say(text: string): Promise<void> {
    await this.post('', { text });
  }

  /** Gives the reply's id; it grows by `grow`. */
  async begin(text: string): Promise<string> {
    return String((await this.post('', { text, done: false }))['messageId']);
  }

  async grow(messageId: string, text: string, done = false): Promise<void> {
    await this.post(`/${messageId}/append`, { text, done });
  }

  private post(path: string, body: object): Promise<Record<string, unknown>> {
    return this.buddy.call(this.key, 'POST', `/v1/sessions/${this.sessionId}/messages${path}`, body);
  }
}

export class AgentSoftware {
  /** In the order in which Buddy handed them over. */
  readonly heard: Heard[] = [];
  answer: Answer = echo;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  private constructor(
    private readonly buddy: Buddy,
    private readonly agent: Agent,
  ) {}

  static async start(buddy: Buddy, agent: Agent): Promise<AgentSoftware> {
    const software = new AgentSoftware(buddy, agent);
    const { signal } = software.stopping;
    const stream = await fetch(`${buddy.url}/v1/messages/stream`, {
      headers: { Authorization: `Bearer ${agent.key}` },
      signal,
    });
    if (!stream.ok || !stream.body) throw new Error(`messages/stream: ${stream.status}`);
    software.running = software.listen(stream.body as ReadableStream<Uint8Array>);
    return software;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  replies(sessionId: string): Replies {
    return new Replies(this.buddy, this.agent.key, sessionId);
  }

  /** Who Buddy says a session's visitor is. */
  identity(sessionId: string): Promise<Record<string, unknown>> {
    return this.buddy.call(this.agent.key, 'GET', `/v1/sessions/${sessionId}/identity`);
  }

  private async listen(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    const waiting: Record<string, any>[] = [];
    const parser = createParser({
      onEvent: ({ event, data }) => void (event === 'message' && waiting.push(JSON.parse(data))),
    });
    try {
      for await (const chunk of body) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        for (let message = waiting.shift(); message; message = waiting.shift()) await this.take(message);
      }
    } catch (error) {
      if (!this.stopping.signal.aborted) throw error;
    }
  }

  private async take({ from, sessionId, text, session }: Record<string, any>): Promise<void> {
    if (from !== 'visitor') return;
    const { identity } = (await this.identity(sessionId)) as { identity: { userId: string } | null };
    const heard = { sessionId, text, status: session.status, userId: identity?.userId ?? null };
    this.heard.push(heard);
    await this.answer(heard, this.replies(sessionId));
  }
}
