package verify

import (
	"log"
	"net/http"
	"net/url"
	"strings"
)

var (
	crossSite = &Refusal{http.StatusForbidden, "cross_site", "the request is not from a page of this site"}
	notAsJSON = &Refusal{http.StatusUnsupportedMediaType, "unsupported_media_type", "the Content-Type is not application/json"}
	taken     = &Refusal{http.StatusConflict, "session_taken", "the session is another user's: begin a new one"}
)

// What Verify's sentences say of a callback is not true of a page's request.
var pageFaults = map[error]*Refusal{
	ErrBodyNotJSON:    {http.StatusBadRequest, ErrBodyNotJSON.Code(), "the body is not JSON"},
	ErrBodyIncomplete: {http.StatusBadRequest, ErrBodyIncomplete.Code(), "the body lacks sessionId or agentId, or one is no text"},
	ErrBadSessionID:   {http.StatusBadRequest, ErrBadSessionID.Code(), ErrBadSessionID.Error()},
	ErrWrongAgent:     {http.StatusBadRequest, ErrWrongAgent.Code(), "the session is of another agent than the one this endpoint serves"},
}

// SessionOption is a setting of a session endpoint.
type SessionOption interface {
	setSession(*sessionEndpoint) error
}

type sessionEndpoint struct {
	settings
	secret       string
	store        Store
	signedInUser func(*http.Request) (string, error)
}

// NewSessionEndpoint makes the handler that a page asks for the ticket of its session: 200 with the ticket, 204 if
// signedInUser gives "", else a refusal. The secret is the current one.
//
// signedInUser gives the id of the user by your own cookie; the body is read by then. The endpoint fails with
// ErrBadSecret, without a store or a function, or for an option that makes no sense. If signedInUser or the store fails,
// the answer is 500 and the reason is in the log alone.
func NewSessionEndpoint(
	secret string,
	store Store,
	signedInUser func(*http.Request) (string, error),
	options ...SessionOption,
) (http.Handler, error) {
	if !isSecret(secret) {
		return nil, ErrBadSecret
	}
	if store == nil {
		return nil, errNoStore
	}
	if signedInUser == nil {
		return nil, errNoUserFunction
	}
	endpoint := &sessionEndpoint{
		settings:     settings{logger: log.Default()},
		secret:       secret,
		store:        store,
		signedInUser: signedInUser,
	}
	for _, option := range options {
		if err := option.setSession(endpoint); err != nil {
			return nil, err
		}
	}
	return endpoint, nil
}

// ServeHTTP answers one page.
func (e *sessionEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sessionID, refusal, err := e.read(w, r)
	if err != nil {
		e.fail(w, "cannot read a page's request", err)
		return
	}
	if refusal != nil {
		refuse(w, refusal)
		return
	}
	userID, err := e.signedInUser(r)
	if err != nil {
		e.fail(w, "the look-up of the signed-in user failed", err)
		return
	}
	if userID == "" {
		writeNobody(w)
		return
	}
	e.bind(w, r, sessionID, userID)
}

// bind gives a ticket to nobody but the session's own user: whoever lured another into binding a session of theirs, and
// then got its ticket, would be taken for that user.
func (e *sessionEndpoint) bind(w http.ResponseWriter, r *http.Request, sessionID, userID string) {
	isTheirs, err := e.store.Bind(r.Context(), sessionID, userID)
	if err != nil {
		e.fail(w, "the store could not bind a session", err)
		return
	}
	if !isTheirs {
		refuse(w, taken)
		return
	}
	ticket, err := Ticket(e.secret, sessionID)
	if err != nil {
		e.fail(w, "cannot make a ticket", err)
		return
	}
	writeJSON(w, http.StatusOK, []byte(`{"ticket":"`+ticket+`"}`))
}

func (e *sessionEndpoint) read(w http.ResponseWriter, r *http.Request) (string, *Refusal, error) {
	switch {
	case r.Method != http.MethodPost:
		return "", methodNotAllowed, nil
	case !isSameSite(r):
		return "", crossSite, nil
	case !isJSON(r.Header.Get("Content-Type")):
		return "", notAsJSON, nil
	}
	body, refusal, err := readBody(w, r)
	if refusal != nil || err != nil {
		return "", refusal, err
	}
	sessionID, err := e.sessionOf(body)
	if refusal, found := pageFaults[err]; found {
		return "", refusal, nil
	}
	return sessionID, nil, err
}

func (e *sessionEndpoint) sessionOf(body []byte) (string, error) {
	members, err := readObject(body)
	if err != nil {
		return "", err
	}
	sessionID, isText := members.text("sessionId")
	agentID, isTextToo := members.text("agentId")
	switch {
	case !isText || !isTextToo:
		return "", ErrBodyIncomplete
	case !isSessionID(sessionID):
		return "", ErrBadSessionID
	case e.agentID != "" && agentID != e.agentID:
		return "", ErrWrongAgent
	}
	return sessionID, nil
}

// isSameSite believes the browser, which says where the page is from. What sends neither header is none of today's, and
// has no user's cookie.
func isSameSite(r *http.Request) bool {
	if site, sent := r.Header["Sec-Fetch-Site"]; sent {
		return len(site) == 1 && site[0] == "same-origin"
	}
	origins, sent := r.Header["Origin"]
	if !sent {
		return true
	}
	origin, err := url.Parse(origins[0])
	return len(origins) == 1 && err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
}

// isJSON: a page of another site cannot send this type without a preflight, which these endpoints never answer.
func isJSON(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "application/json")
}
