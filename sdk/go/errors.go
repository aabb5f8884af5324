package verify

// VerifyError says why a request is not taken for Buddy's. Its values are constants: compare with errors.Is, or take any
// of them with errors.As. Answer 401; each sentence says what to look at.
type VerifyError string

const (
	// ErrNoSecret: the list of secrets is empty.
	ErrNoSecret VerifyError = "no_secret"
	// ErrBadSecret: a secret that Buddy would never have taken.
	ErrBadSecret VerifyError = "bad_secret"
	// ErrMissingHeader: no X-Platform-Signature.
	ErrMissingHeader VerifyError = "missing_header"
	// ErrWrongLength: the header is not 64 characters long, or there are two of them.
	ErrWrongLength VerifyError = "wrong_length"
	// ErrNotHex: the header is 64 characters long, but not of 0-9 and a-f.
	ErrNotHex VerifyError = "not_hex"
	// ErrNoMatch: no secret gives this signature for this body.
	ErrNoMatch VerifyError = "no_match"
	// ErrBodyNotJSON: rightly signed, but the body is not JSON.
	ErrBodyNotJSON VerifyError = "body_not_json"
	// ErrBodyIncomplete: rightly signed JSON, but not with each of the three members of a callback once.
	ErrBodyIncomplete VerifyError = "body_incomplete"
	// ErrBadSessionID: the session id does not have the form of one.
	ErrBadSessionID VerifyError = "bad_session_id"
	// ErrStale: more than Tolerance from now.
	ErrStale VerifyError = "stale"
	// ErrWrongAgent: another agent's callback, see Callback.ForAgent.
	ErrWrongAgent VerifyError = "wrong_agent"
)

var sentences = map[VerifyError]string{
	ErrNoSecret:       "no secret is configured here: set the callback secret that belongs to the agent",
	ErrBadSecret:      "a configured secret is not 16 to 256 visible ASCII characters: look for an unset variable, a space or a line end",
	ErrMissingHeader:  "the header X-Platform-Signature is missing: not from Buddy, or a proxy dropped it",
	ErrWrongLength:    "the header X-Platform-Signature is not 64 characters long: it is bare hex, with no prefix and no second value",
	ErrNotHex:         "the header X-Platform-Signature is not lower-case hex",
	ErrNoMatch:        "the signature does not match: check that the body is the raw one, byte for byte, and the secret this agent's",
	ErrBodyNotJSON:    "the body is rightly signed but is not JSON: not a callback",
	ErrBodyIncomplete: "the body lacks sessionId, agentId or timestamp, or one is of the wrong type: not a callback",
	ErrBadSessionID:   "a session id is sess_ and 26 characters of 0-9 and a-z",
	ErrStale:          "the timestamp is more than 300 seconds from now: an old request sent again, or this clock is wrong",
	ErrWrongAgent:     "the callback is of another agent than the one this endpoint serves",
}

// Code is a stable name, the same in every language's package.
func (e VerifyError) Code() string { return string(e) }

// Error is a sentence that says what to look at.
func (e VerifyError) Error() string { return sentences[e] }
