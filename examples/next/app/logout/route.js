import { currentSession } from '../../lib/session.js';

export async function POST() {
  const session = await currentSession();
  session.destroy();
  return new Response(null, { status: 204 });
}
