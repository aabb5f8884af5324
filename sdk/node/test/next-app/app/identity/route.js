import { identityEndpoint } from 'buddy-verify/next';

export function POST(request) {
  const { secrets, agentId, now, user } = JSON.parse(request.headers.get('X-Row'));
  const endpoint = identityEndpoint({ secrets, agentId, now: () => now, user: () => user, onRefused: () => {} });
  return endpoint(request);
}
