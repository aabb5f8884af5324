package verify

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
)

// BodyBytesMax is the largest body an endpoint reads. A callback has little over 100 bytes and a page's request fewer:
// nothing larger is ever Buddy's.
const BodyBytesMax = 16 * 1024

var (
	errNoUserFunction = errors.New("the function that says who the user is must not be nil")
	errNoStore        = errors.New("the store must not be nil")
	errNoAgent        = errors.New("ForAgent needs an agent's id: look for an unset variable, or leave the option out for any agent")
)

// Refusal is an answer that says no.
type Refusal struct {
	// Status is the HTTP status.
	Status int `json:"-"`
	// Code is a stable name, as no_match.
	Code string `json:"error"`
	// Message is a sentence that says what to look at.
	Message string `json:"message"`
}

var (
	methodNotAllowed = &Refusal{http.StatusMethodNotAllowed, "method_not_allowed", "the method is not POST"}
	tooLarge         = &Refusal{http.StatusRequestEntityTooLarge, "too_large", "the body has more than 16 KiB"}
	brokenOff        = &Refusal{http.StatusBadRequest, ErrBodyIncomplete.Code(), "the body could not be read to its end"}
)

// settings are what both endpoints have.
type settings struct {
	// The agent that is served; empty: any.
	agentID string
	logger  *log.Logger
}

// Option is a setting of either endpoint.
type Option interface {
	IdentityOption
	SessionOption
}

type commonOption func(*settings) error

func (o commonOption) setIdentity(e *identityEndpoint) error { return o(&e.settings) }
func (o commonOption) setSession(e *sessionEndpoint) error   { return o(&e.settings) }

// ForAgent refuses what is of another agent than this one. For a secret that several agents share.
func ForAgent(agentID string) Option {
	return commonOption(func(s *settings) error {
		if agentID == "" {
			return errNoAgent
		}
		s.agentID = agentID
		return nil
	})
}

// WithLogger says where the endpoint logs; without it, or for nil, log.Default().
func WithLogger(logger *log.Logger) Option {
	return commonOption(func(s *settings) error {
		if logger != nil {
			s.logger = logger
		}
		return nil
	})
}

// Must is for an endpoint made at the start of a program: it panics if err is not nil.
func Must(endpoint http.Handler, err error) http.Handler {
	if err != nil {
		panic(err)
	}
	return endpoint
}

// readBody gives the raw body, a refusal, or the error that something in front of the endpoint has taken the body.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *Refusal, error) {
	if r.ContentLength > BodyBytesMax {
		return nil, tooLarge, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, BodyBytesMax))
	var overLimit *http.MaxBytesError
	switch {
	case errors.As(err, &overLimit):
		return nil, tooLarge, nil
	case errors.Is(err, http.ErrBodyReadAfterClose), err == nil && int64(len(body)) < r.ContentLength:
		return nil, nil, fmt.Errorf("the body was read before this handler, %d of its %d bytes are left: "+
			"mount the handler in front of what reads it, or let that put the same bytes back: "+
			"r.Body = io.NopCloser(bytes.NewReader(raw))", len(body), r.ContentLength)
	case err != nil:
		return nil, brokenOff, nil
	}
	return body, nil, nil
}

// fail tells the log why, and the caller only that.
func (s *settings) fail(w http.ResponseWriter, what string, err error) {
	s.logger.Printf("buddy: %s: %v", what, err)
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

func refuse(w http.ResponseWriter, refusal *Refusal) {
	if refusal.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	body, _ := encodeJSON(refusal) // Two strings can always be written.
	writeJSON(w, refusal.Status, body)
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // If the caller is gone, there is nobody to tell.
}

func writeNobody(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}
