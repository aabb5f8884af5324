// The shop's users. Each value is one that is nowhere else, so that a trace of it is one of the user.
import type { User } from 'buddy-verify';

export type Name = 'ada' | 'grace';

export const USERS: Record<Name, User & { userId: string }> = {
  ada: {
    userId: 'user-ada-1815-f3a9',
    email: 'ada.lovelace.f3a9@users.example',
    role: 'role-patron-f3a9',
    customAttributes: { plan: 'plan-gold-f3a9', address: { city: 'city-london-f3a9' }, orders: 36_271_815 },
  },
  grace: {
    userId: 'user-grace-1906-b7c2',
    email: 'grace.hopper.b7c2@users.example',
    role: 'role-keeper-b7c2',
    customAttributes: { plan: 'plan-silver-b7c2', address: { city: 'city-arlington-b7c2' }, orders: 19_061_209 },
  },
};

/** Every value that is theirs. */
export const USER_VALUES: readonly string[] = Object.values(USERS).flatMap((user) => leaves(user));

function leaves(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [String(value)];
}
