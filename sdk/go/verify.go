package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

const (
	// SignatureHeader carries the signature of a callback.
	SignatureHeader = "X-Platform-Signature"
	// Tolerance is how far a request's timestamp may be from this machine's clock, either way: a replayed request is
	// refused after this, and clocks do differ.
	Tolerance = 300 * time.Second

	// SHA-256 in hexadecimal.
	signatureChars = 2 * sha256.Size
	// The shortest secret Buddy takes; an empty one, from a setting that was not set, would let anybody sign.
	secretCharsMin = 16
	// The longest secret Buddy takes.
	secretCharsMax = 256
	// Keeps a ticket from ever being the signature of a callback, or the other way round.
	ticketPrefix = "buddy-ticket-v1:"
)

// Callback is a request that is Buddy's: it asks who the user of this session is.
type Callback struct {
	// SessionID is "sess_" and 26 characters of 0-9 and a-z.
	SessionID string
	// AgentID is the agent whose session it is.
	AgentID string
	// Timestamp is when the request was made, in unix seconds.
	Timestamp int64
}

// ForAgent gives the callback if it is of this agent, else ErrWrongAgent. For an endpoint that serves one agent, where a
// secret may be shared by several.
func (c Callback) ForAgent(agentID string) (Callback, error) {
	if c.AgentID != agentID {
		return Callback{}, ErrWrongAgent
	}
	return c, nil
}

// Verify gives the callback that this request is, or the first fault found as a [VerifyError].
//
// body is the raw body, before any parsing; signature is r.Header.Values(SignatureHeader); secrets are all that count:
// one, or two while a rotation is under way; now is this machine's clock. Every secret is tried, and compared in
// constant time.
func Verify(body []byte, signature []string, secrets []string, now time.Time) (Callback, error) {
	if err := checkSecrets(secrets); err != nil {
		return Callback{}, err
	}
	presented, err := decodeSignature(signature)
	if err != nil {
		return Callback{}, err
	}
	if !anySigns(secrets, body, presented) {
		return Callback{}, ErrNoMatch
	}
	callback, err := readCallback(body)
	if err != nil {
		return Callback{}, err
	}
	if !isSessionID(callback.SessionID) {
		return Callback{}, ErrBadSessionID
	}
	if secondsBetween(callback.Timestamp, now.Unix()) > uint64(Tolerance/time.Second) {
		return Callback{}, ErrStale
	}
	return callback, nil
}

// Ticket is the proof to Buddy, through the user's own page, that the business has noted whose session it is.
//
// The session id comes from a browser, so its form is checked before it is signed: ErrBadSessionID, answer 400. A secret
// that Buddy would never have taken is ErrBadSecret.
func Ticket(secret, sessionID string) (string, error) {
	if !isSecret(secret) {
		return "", ErrBadSecret
	}
	if !isSessionID(sessionID) {
		return "", ErrBadSessionID
	}
	return hex.EncodeToString(sign(secret, []byte(ticketPrefix+sessionID))), nil
}

func checkSecrets(secrets []string) error {
	if len(secrets) == 0 {
		return ErrNoSecret
	}
	for _, secret := range secrets {
		if !isSecret(secret) {
			return ErrBadSecret
		}
	}
	return nil
}

func isSecret(text string) bool {
	if len(text) < secretCharsMin || len(text) > secretCharsMax {
		return false
	}
	for i := 0; i < len(text); i++ {
		if text[i] < '!' || text[i] > '~' {
			return false
		}
	}
	return true
}

func decodeSignature(values []string) ([]byte, error) {
	if len(values) == 0 {
		return nil, ErrMissingHeader
	}
	if len(values) > 1 || len(values[0]) != signatureChars {
		return nil, ErrWrongLength
	}
	presented, err := hex.DecodeString(values[0])
	// One spelling for one signature: whoever keys on the header's text sees no second one.
	if err != nil || strings.ContainsAny(values[0], "ABCDEF") {
		return nil, ErrNotHex
	}
	return presented, nil
}

// anySigns goes through all secrets whatever the first says, so that time tells nothing about which one matched.
func anySigns(secrets []string, body, presented []byte) bool {
	found := 0
	for _, secret := range secrets {
		found |= subtle.ConstantTimeCompare(sign(secret, body), presented)
	}
	return found == 1
}

func sign(secret string, message []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(message)
	return mac.Sum(nil)
}

// readCallback passes over members that are not known: a later version may add some.
func readCallback(body []byte) (Callback, error) {
	members, err := readObject(body)
	if err != nil {
		return Callback{}, err
	}
	sessionID, isText := members.text("sessionId")
	agentID, isTextToo := members.text("agentId")
	// No float, no exponent, and nothing that int64 does not hold.
	timestamp, err := strconv.ParseInt(string(members["timestamp"]), 10, 64)
	if !isText || !isTextToo || err != nil {
		return Callback{}, ErrBodyIncomplete
	}
	return Callback{SessionID: sessionID, AgentID: agentID, Timestamp: timestamp}, nil
}

// secondsBetween cannot overflow, whatever the request and the clock say.
func secondsBetween(a, b int64) uint64 {
	if a < b {
		a, b = b, a
	}
	return uint64(a) - uint64(b)
}

func isSessionID(text string) bool {
	const prefix, digits = "sess_", 26
	if len(text) != len(prefix)+digits || !strings.HasPrefix(text, prefix) {
		return false
	}
	for _, char := range []byte(text[len(prefix):]) {
		if (char < '0' || char > '9') && (char < 'a' || char > 'z') {
			return false
		}
	}
	return true
}
