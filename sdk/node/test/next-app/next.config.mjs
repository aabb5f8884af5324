import { fileURLToPath } from 'node:url';

// The package is outside this folder, at the other end of a link.
export default { turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) } };
