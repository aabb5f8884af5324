import { sessionEndpoint } from 'buddy-verify/next';
import { secrets, store } from '../../../lib/buddy.js';
import { currentSession } from '../../../lib/session.js';

// [session]
export const POST = sessionEndpoint({
  secret: secrets[0],
  store,
  signedInUser: async () => (await currentSession()).userId,
});
// [/session]
