/** The largest body that is read. A callback has about 130 bytes, so nothing larger is ever Buddy's. */
export const BODY_BYTES_MAX = 16 * 1024;

/** A request, whatever framework it came through. */
export interface PlainRequest {
  method: string;
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The raw bytes. Of a body over BODY_BYTES_MAX one byte more than that is enough. */
  body: Uint8Array;
}

/** An answer, for any framework to send. */
export interface PlainResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Why a request is refused, as the answer says it. */
export interface Refusal {
  code: string;
  message: string;
}

export const METHOD_NOT_ALLOWED: Refusal = { code: 'method_not_allowed', message: 'this endpoint takes POST alone' };
export const TOO_LARGE: Refusal = { code: 'too_large', message: `the body is over ${BODY_BYTES_MAX} bytes` };

/** The value of a header, given its name in lower case; several values are joined as HTTP does it. */
export function header(request: PlainRequest, name: string): string | undefined {
  for (const [key, value] of Object.entries(request.headers)) {
    if (key.toLowerCase() === name && value !== undefined) return typeof value === 'string' ? value : value.join(', ');
  }
  return undefined;
}

/** An answer with this JSON. */
export function json(status: number, value: unknown): PlainResponse {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
  return { status, headers, body: JSON.stringify(value) };
}

/** 204: nobody is signed in. */
export function noContent(): PlainResponse {
  return { status: 204, headers: { 'Cache-Control': 'no-store' }, body: '' };
}

/** An answer that says which refusal it is. */
export function refused(status: number, { code, message }: Refusal): PlainResponse {
  const response = json(status, { error: code, message });
  if (status === 405) response.headers.Allow = 'POST';
  return response;
}
