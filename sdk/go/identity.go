package verify

import (
	"context"
	"errors"
	"log"
	"net/http"
	"time"
)

// IdentityOption is a setting of an identity endpoint.
type IdentityOption interface {
	setIdentity(*identityEndpoint) error
}

type identityOption func(*identityEndpoint)

func (o identityOption) setIdentity(e *identityEndpoint) error {
	o(e)
	return nil
}

// OnRefused is told of each refused request; without it, or for nil, one line in the log says so. A Refusal has no secret
// and nothing of the body in it.
func OnRefused(told func(*http.Request, Refusal)) IdentityOption {
	return identityOption(func(e *identityEndpoint) {
		if told != nil {
			e.onRefused = told
		}
	})
}

// WithClock says what time it is; without it, or for nil, time.Now.
func WithClock(now func() time.Time) IdentityOption {
	return identityOption(func(e *identityEndpoint) {
		if now != nil {
			e.now = now
		}
	})
}

type identityEndpoint struct {
	settings
	secrets   []string
	user      func(ctx context.Context, sessionID string) (*User, error)
	onRefused func(*http.Request, Refusal)
	now       func() time.Time
}

// NewIdentityEndpoint makes the handler of the callback: 200 with the user, 204 if user gives nil, 401 for what is not
// Buddy's. All secrets count: one, or two while a rotation is under way.
//
// It fails with ErrNoSecret or ErrBadSecret, without a function, or for an option that makes no sense. If user fails, or
// gives a user that Buddy would not take, the answer is 500 and the reason is in the log alone.
func NewIdentityEndpoint(
	secrets []string,
	user func(ctx context.Context, sessionID string) (*User, error),
	options ...IdentityOption,
) (http.Handler, error) {
	if err := checkSecrets(secrets); err != nil {
		return nil, err
	}
	if user == nil {
		return nil, errNoUserFunction
	}
	endpoint := &identityEndpoint{
		settings: settings{logger: log.Default()},
		secrets:  append([]string(nil), secrets...),
		user:     user,
		now:      time.Now,
	}
	endpoint.onRefused = endpoint.logRefusal
	for _, option := range options {
		if err := option.setIdentity(endpoint); err != nil {
			return nil, err
		}
	}
	return endpoint, nil
}

// ServeHTTP answers one callback.
func (e *identityEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	callback, refusal, err := e.read(w, r)
	if err != nil {
		e.fail(w, "cannot verify a callback", err)
		return
	}
	if refusal != nil {
		e.onRefused(r, *refusal)
		refuse(w, refusal)
		return
	}
	user, err := e.user(r.Context(), callback.SessionID)
	if err != nil {
		e.fail(w, "the look-up of a session's user failed", err)
		return
	}
	if user == nil {
		writeNobody(w)
		return
	}
	body, err := user.encode()
	if err != nil {
		e.fail(w, "the look-up of a session's user gave one that Buddy would not take", err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func (e *identityEndpoint) read(w http.ResponseWriter, r *http.Request) (Callback, *Refusal, error) {
	if r.Method != http.MethodPost {
		return Callback{}, methodNotAllowed, nil
	}
	body, refusal, err := readBody(w, r)
	if refusal != nil || err != nil {
		return Callback{}, refusal, err
	}
	callback, err := Verify(body, r.Header.Values(SignatureHeader), e.secrets, e.now())
	if err == nil && e.agentID != "" {
		callback, err = callback.ForAgent(e.agentID)
	}
	var fault VerifyError
	if errors.As(err, &fault) {
		return Callback{}, &Refusal{http.StatusUnauthorized, fault.Code(), fault.Error()}, nil
	}
	return callback, nil, err
}

func (e *identityEndpoint) logRefusal(_ *http.Request, refusal Refusal) {
	e.logger.Printf("buddy: refused a callback (%s): %s", refusal.Code, refusal.Message)
}
