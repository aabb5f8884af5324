import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import { BODY_BYTES_MAX } from './http.js';

/**
 * The raw body, or of one that is too large its beginning, one chunk past BODY_BYTES_MAX: the rest is let go by unread,
 * so that the client gets its answer.
 *
 * @throws {Error} `consumed`, if somebody has read the stream before: what they made of it has other bytes.
 */
export function readRawBody(stream: Readable, consumed: string): Promise<Uint8Array> {
  if (stream.readableDidRead || stream.readableEncoding !== null) return Promise.reject(new Error(consumed));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = () => resolve(Buffer.concat(chunks));
    stream.on('data', (chunk: Buffer) => {
      // From the moment it is too large, further chunks are dropped, not held.
      if (length > BODY_BYTES_MAX) return;
      chunks.push(chunk);
      length += chunk.length;
      if (length > BODY_BYTES_MAX) settle();
    });
    stream.on('end', settle);
    stream.on('error', reject);
    stream.on('close', () => reject(new Error('buddy: the client went away in the middle of the body')));
  });
}
