import { getIronSession } from 'iron-session';
import { cookies } from 'next/headers';

/** The session of whoever makes this request, in a sealed cookie. */
export async function currentSession() {
  return getIronSession(await cookies(), {
    cookieName: 'shop',
    password: process.env.SESSION_SECRET,
    // Plain HTTP on the loopback; a shop behind TLS leaves this out.
    cookieOptions: { secure: false },
  });
}
