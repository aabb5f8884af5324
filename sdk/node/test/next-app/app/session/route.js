import { MemoryStore } from 'buddy-verify';
import { sessionEndpoint } from 'buddy-verify/next';

export async function POST(request) {
  const { secret, sessionId, agentId, signedIn, boundTo } = JSON.parse(request.headers.get('X-Row'));
  const store = new MemoryStore();
  if (boundTo !== null) store.bind(sessionId, boundTo);
  const response = await sessionEndpoint({ secret, agentId, store, signedInUser: () => signedIn })(request);
  response.headers.set('X-Bound-To', JSON.stringify(store.find(sessionId)));
  return response;
}
