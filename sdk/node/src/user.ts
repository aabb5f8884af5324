import { isObject } from './json.js';

const USER_ID_CHARS_MAX = 256;
const EMAIL_CHARS_MAX = 320;
const ROLE_CHARS_MAX = 128;

/** Who is signed in. A member that is null or undefined is left out. */
export interface User {
  /** 1 to 256 characters, not blank, no control characters; or an integer. */
  userId: string | number | bigint;
  /** At most 320 characters. */
  email?: string | null | undefined;
  /** At most 128 characters. */
  role?: string | null | undefined;
  /** An object that JSON can say. */
  customAttributes?: object | null | undefined;
}

/**
 * The user as it is answered: the members that Buddy knows, each of a form that it takes.
 *
 * @throws {TypeError} which names the member that is not. Buddy would drop it, or the user, and you would not see it.
 */
export function checkedUser(user: unknown): Record<string, unknown> {
  if (!isObject(user)) throw fault('a user is an object with a userId, or null');
  const answer: Record<string, unknown> = { userId: checkedUserId(user['userId']) };
  for (const [name, isGood, form] of OPTIONAL_MEMBERS) {
    const value = user[name];
    if (value == null) continue;
    if (!isGood(value)) throw fault(`${name} is not ${form}`);
    answer[name] = value;
  }
  return answer;
}

const OPTIONAL_MEMBERS: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  ['email', (value) => isText(value, EMAIL_CHARS_MAX), `a string of at most ${EMAIL_CHARS_MAX} characters`],
  ['role', (value) => isText(value, ROLE_CHARS_MAX), `a string of at most ${ROLE_CHARS_MAX} characters`],
  ['customAttributes', isObject, 'an object'],
];

function checkedUserId(userId: unknown): string | number {
  if (typeof userId === 'number') {
    if (!Number.isSafeInteger(userId)) throw fault('userId is a number but no safe integer: give it as a string');
    return userId;
  }
  // JSON.stringify knows no bigint, and an integer's digits are the same user.
  const text = typeof userId === 'bigint' ? userId.toString() : userId;
  if (typeof text !== 'string') throw fault('userId is neither a string nor an integer');
  if (/^\p{White_Space}*$/u.test(text)) throw fault('userId is blank');
  if (/\p{Cc}/u.test(text)) throw fault('userId has a control character');
  if (!isText(text, USER_ID_CHARS_MAX)) throw fault(`userId is not text of at most ${USER_ID_CHARS_MAX} characters`);
  return text;
}

/** Characters are Unicode scalar values: an emoji is one, and half of a surrogate pair is none. */
function isText(value: unknown, charsMax: number): boolean {
  return typeof value === 'string' && [...value].length <= charsMax && !/\p{Surrogate}/u.test(value);
}

function fault(what: string): TypeError {
  return new TypeError(`buddy: the user function gave no good user: ${what}`);
}
