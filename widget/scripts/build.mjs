// Writes dist/, which is committed: the server is built without Node.js.
import { bundle, root } from './bundle.mjs';

await bundle(`${root}dist`);
