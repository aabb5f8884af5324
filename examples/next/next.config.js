import { fileURLToPath } from 'node:url';

// The package is linked from elsewhere in this repository. A shop that has it from the registry needs none of this.
export default { turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) } };
