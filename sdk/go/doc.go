// Package verify is the business's side of Buddy's identity callback: is this request from Buddy, whose session does it
// ask about, and how does a page prove that a session is its user's?
//
// [NewIdentityEndpoint] and [NewSessionEndpoint] make the two handlers that a business serves, and a [Store] joins them:
// the session endpoint notes whose a session is, and the identity endpoint's function looks that up. [Verify] and
// [Ticket] are what they stand on, for use without them.
//
// The signature is over the raw body. A handler in front of these must not read the body, or must put the same bytes
// back.
package verify
