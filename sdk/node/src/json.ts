// The mark stays, for JSON.parse to refuse: what is signed begins with a brace.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The value, or undefined, which no JSON stands for, when it is not JSON in UTF-8. */
export function parseJson(body: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : UTF8.decode(body));
  } catch {
    return undefined;
  }
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
