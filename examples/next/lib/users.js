// The shop's customers. A real shop has a database, and passwords.
const ada = {
  userId: 'ada-1815',
  email: 'ada@shop.example',
  role: 'customer',
  customAttributes: { plan: 'gold' },
};
const grace = {
  userId: 'grace-1906',
  email: 'grace@shop.example',
  role: 'customer',
  customAttributes: { plan: 'silver' },
};

export const usersByName = new Map(Object.entries({ ada, grace }));
export const usersById = new Map([ada, grace].map((user) => [user.userId, user]));
