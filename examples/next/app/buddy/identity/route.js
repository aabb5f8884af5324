import { identityEndpoint } from 'buddy-verify/next';
import { secrets, store } from '../../../lib/buddy.js';
import { usersById } from '../../../lib/users.js';

// [identity]
export const POST = identityEndpoint({
  secrets,
  user: async (sessionId) => usersById.get(await store.find(sessionId)),
});
// [/identity]
