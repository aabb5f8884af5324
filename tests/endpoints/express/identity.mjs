// Buddy's identity callback on Express: a signed POST asks who the user of a session is.
import { createHmac, timingSafeEqual } from 'node:crypto';
import express from 'express';

const TOLERANCE_SECONDS = 300;

/** True when the signature is of exactly these bytes and made with one of the secrets. */
export function isSigned(secrets, body, signature) {
  if (!/^[0-9a-f]{64}$/.test(signature ?? '')) return false;
  const presented = Buffer.from(signature, 'hex');
  return secrets.some((secret) => timingSafeEqual(createHmac('sha256', secret).update(body).digest(), presented));
}

/** False for an old request sent again. A timestamp that is missing or no number is not recent either. */
export function isRecent(timestamp, nowSeconds = Date.now() / 1000) {
  return Math.abs(nowSeconds - timestamp) <= TOLERANCE_SECONDS;
}

/** The handlers for `app.post(path, …)`. `userOf(sessionId)` gives the user your page bound to it, or nothing. */
export function identityCallback({ secrets, userOf }) {
  return [
    // The raw text: a body that is parsed and written again has another signature.
    express.text({ type: '*/*' }),
    async (req, res) => {
      const body = req.body ?? '';
      if (!isSigned(secrets, body, req.get('X-Platform-Signature'))) return res.status(401).send('wrong signature');
      const { sessionId, timestamp } = JSON.parse(body);
      if (!isRecent(timestamp)) return res.status(401).send('too old, or a clock is wrong');
      const user = await userOf(sessionId);
      if (!user) return res.status(204).end(); // nobody is signed in
      return res.json(user); // { userId, email?, role?, customAttributes? }
    },
  ];
}
