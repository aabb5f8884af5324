// What both programs do alike: the callback signed, the answer judged. Nothing is stored.
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

const SECRET = 'buddy-bench-secret';
/** One attempt, and one more. */
const ATTEMPTS = 2;
/** Milliseconds of one attempt, as Buddy's is unless set. */
export const TIMEOUT = 3000;

/** Each agent's callback by its id. */
const agents = new Map(Object.entries(JSON.parse(readFileSync(process.argv[2], 'utf8'))));

/** `ask(url, body, headers)` resolves to the parsed answer, or rejects. */
export async function beginSession(agentId, ask) {
  const sessionId = 'sess_' + randomBytes(12).toString('hex');
  const url = agents.get(agentId);
  let answer = null;
  if (url) {
    const body = JSON.stringify({ sessionId, agentId, timestamp: Math.floor(Date.now() / 1000) });
    const headers = {
      'content-type': 'application/json',
      'x-platform-signature': createHmac('sha256', SECRET).update(body).digest('hex'),
    };
    for (let attempt = 0; attempt < ATTEMPTS && !answer; attempt++) {
      try {
        answer = await ask(url, body, headers);
      } catch {
        // Once more, and then nobody.
      }
    }
  }
  if (!answer || typeof answer.userId !== 'string' || !answer.userId) {
    return { sessionId, status: 'anonymous' };
  }
  const { userId, email, role, customAttributes } = answer;
  return { sessionId, status: 'authenticated', identity: { userId, email, role, customAttributes } };
}

/** Says where it listens, as `buddy serve` does: the address is the line's end. */
export function announce({ address, port }) {
  console.log(`listening on http://${address}:${port}`);
}
