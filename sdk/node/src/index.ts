export { BODY_BYTES_MAX, type PlainRequest, type PlainResponse, type Refusal } from './http.js';
export { identityEndpoint, type IdentityOptions } from './identity.js';
export { sessionEndpoint, type SessionOptions } from './session.js';
export { BINDINGS_MAX, BINDING_SECONDS, MemoryStore, type BindingStore } from './store.js';
export type { User } from './user.js';
export {
  TOLERANCE_SECONDS,
  VerifyError,
  ticket,
  verify,
  type Callback,
  type VerifyErrorCode,
  type VerifyOptions,
} from './verify.js';
