import { currentSession } from '../../lib/session.js';
import { usersByName } from '../../lib/users.js';

export async function POST(request) {
  const form = new URLSearchParams(await request.text());
  const user = usersByName.get(form.get('user'));
  if (user === undefined) return new Response(null, { status: 400 });
  const session = await currentSession();
  session.userId = user.userId;
  await session.save();
  return new Response(null, { status: 204 });
}
