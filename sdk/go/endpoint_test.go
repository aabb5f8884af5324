package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"buddy.example/verify"
)

var badSecrets = []string{"", "fifteen-letters", strings.Repeat("s", 257), testSecret + "\n", "a secret with spaces", "sécret-sécret-sécret"}

func ada(context.Context, string) (*verify.User, error) { return &verify.User{UserID: "ada"}, nil }

func signedInAsAda(*http.Request) (string, error) { return "ada", nil }

// lines is a log that can be read.
func lines() (*log.Logger, *bytes.Buffer) {
	var buffer bytes.Buffer
	return log.New(&buffer, "", 0), &buffer
}

func identityAt(t *testing.T, user func(context.Context, string) (*verify.User, error), options ...verify.IdentityOption) http.Handler {
	t.Helper()
	options = append(options, verify.WithClock(func() time.Time { return time.Unix(testNow, 0) }))
	endpoint, err := verify.NewIdentityEndpoint([]string{testSecret}, user, options...)
	if err != nil {
		t.Fatal(err)
	}
	return endpoint
}

func TestSettingsThatMakeNoSenseAreRefusedAtTheStart(t *testing.T) {
	store := &verify.MemoryStore{}
	for _, secret := range badSecrets {
		if _, err := verify.NewIdentityEndpoint([]string{testSecret, secret}, ada); err != verify.ErrBadSecret {
			t.Errorf("%q: %v", secret, err)
		}
		if _, err := verify.NewSessionEndpoint(secret, store, signedInAsAda); err != verify.ErrBadSecret {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if _, err := verify.NewIdentityEndpoint(nil, ada); err != verify.ErrNoSecret {
		t.Error(err)
	}
	for name, made := range map[string]func() (http.Handler, error){
		"no user function": func() (http.Handler, error) { return verify.NewIdentityEndpoint([]string{testSecret}, nil) },
		"no store":         func() (http.Handler, error) { return verify.NewSessionEndpoint(testSecret, nil, signedInAsAda) },
		"nobody to ask":    func() (http.Handler, error) { return verify.NewSessionEndpoint(testSecret, store, nil) },
		"an agent that was not set": func() (http.Handler, error) {
			return verify.NewIdentityEndpoint([]string{testSecret}, ada, verify.ForAgent(""))
		},
		"an agent that was not set, for the session": func() (http.Handler, error) {
			return verify.NewSessionEndpoint(testSecret, store, signedInAsAda, verify.ForAgent(""))
		},
	} {
		if endpoint, err := made(); err == nil || endpoint != nil {
			t.Errorf("%s: %v, %v", name, endpoint, err)
		}
	}
}

func TestMustGivesTheEndpointOrPanicsWithTheReason(t *testing.T) {
	if verify.Must(verify.NewIdentityEndpoint([]string{testSecret}, ada)) == nil {
		t.Error("no endpoint")
	}
	defer func() {
		if reason := recover(); reason != verify.ErrNoSecret {
			t.Error(reason)
		}
	}()
	verify.Must(verify.NewIdentityEndpoint(nil, ada))
}

func TestSecretsAreThoseOfTheStart(t *testing.T) {
	secrets := []string{testSecret}
	endpoint, err := verify.NewIdentityEndpoint(secrets, ada, verify.WithClock(func() time.Time { return time.Unix(testNow, 0) }))
	if err != nil {
		t.Fatal(err)
	}
	secrets[0] = ""
	send(t, serve(t, "/buddy/identity", endpoint), signedRequest(callbackBody(testNow))).expect(t, 200, "")
}

func TestARefusalIsOneLineInTheLogWithNeitherSecretNorBody(t *testing.T) {
	logger, logged := lines()
	address := serve(t, "/buddy/identity", identityAt(t, ada, verify.WithLogger(logger), verify.OnRefused(nil)))
	body := callbackBody(testNow)
	request := request("POST", "/buddy/identity", map[string]string{"X-Platform-Signature": signature("another-secret-00", body)}, body)
	send(t, address, request).expect(t, 401, "no_match")
	expected := "buddy: refused a callback (no_match): " + verify.ErrNoMatch.Error() + "\n"
	if logged.String() != expected {
		t.Errorf("%q", logged.String())
	}
}

func TestAnotherMethodIsToldWhichOneToUse(t *testing.T) {
	logger, _ := lines()
	address := serve(t, "/buddy/identity", identityAt(t, ada, verify.WithLogger(logger)))
	answer := send(t, address, request("GET", "/buddy/identity", nil, ""))
	answer.expect(t, 405, "method_not_allowed")
	if answer.header.Get("Allow") != "POST" {
		t.Error(answer.header)
	}
}

// A store that is down.
type brokenStore struct{ *verify.MemoryStore }

var errSecretly = errors.New("password=hunter2")

func (brokenStore) Bind(context.Context, string, string) (bool, error) { return false, errSecretly }

func TestWhatFailsInsideIsInTheLogAloneAndIs500(t *testing.T) {
	logger, logged := lines()
	session := func(store verify.Store, signedIn func(*http.Request) (string, error)) http.Handler {
		return verify.Must(verify.NewSessionEndpoint(testSecret, store, signedIn, verify.WithLogger(logger)))
	}
	for name, row := range map[string]struct {
		endpoint      http.Handler
		path, request string
	}{
		"the user function": {
			identityAt(t, func(context.Context, string) (*verify.User, error) { return nil, errSecretly }, verify.WithLogger(logger)),
			"/buddy/identity", signedRequest(callbackBody(testNow)),
		},
		"the store": {session(brokenStore{}, signedInAsAda), "/buddy/session", sessionRequest()},
		"the sign-in": {
			session(&verify.MemoryStore{}, func(*http.Request) (string, error) { return "ada", errSecretly }),
			"/buddy/session", sessionRequest(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			logged.Reset()
			answer := send(t, serve(t, row.path, row.endpoint), row.request)
			answer.expect(t, 500, "")
			if strings.Contains(answer.body, "hunter2") {
				t.Errorf("told to the caller: %s", answer.body)
			}
			if text := logged.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "hunter2") {
				t.Errorf("logged: %q", text)
			}
		})
	}
}

func TestAMiddlewareThatTakesTheBodyIsToldWhatToChange(t *testing.T) {
	readAll := func(r *http.Request) []byte {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		return raw
	}
	for name, row := range map[string]struct {
		parse  func(*http.Request)
		status int
	}{
		"a form parser, which leaves JSON alone": {func(r *http.Request) { _ = r.ParseForm() }, 200},
		"one that puts the bytes back": {func(r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(readAll(r)))
		}, 200},
		"one that keeps the bytes":  {func(r *http.Request) { readAll(r) }, 500},
		"one that closes the body":  {func(r *http.Request) { r.Body.Close() }, 500},
		"one that puts fewer back":  {func(r *http.Request) { r.Body = io.NopCloser(bytes.NewReader(readAll(r)[:20])) }, 500},
		"one that puts others back": {func(r *http.Request) { r.Body = io.NopCloser(bytes.NewReader(append(readAll(r), ' '))) }, 401},
	} {
		t.Run(name, func(t *testing.T) {
			logger, logged := lines()
			endpoint := identityAt(t, ada, verify.WithLogger(logger))
			address := serve(t, "/buddy/identity", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				row.parse(r)
				endpoint.ServeHTTP(w, r)
			}))
			send(t, address, signedRequest(callbackBody(testNow))).expect(t, row.status, "")
			if text := logged.String(); strings.Contains(text, "r.Body = io.NopCloser(bytes.NewReader(raw))") != (row.status == 500) {
				t.Errorf("logged: %q", text)
			}
		})
	}
}

func TestBodiesThatAreTooLongOrEndEarlyAreRefused(t *testing.T) {
	logger, _ := lines()
	address := serve(t, "/buddy/identity", identityAt(t, ada, verify.WithLogger(logger)))
	head := "POST /buddy/identity HTTP/1.1\r\nHost: shop.example\r\nX-Platform-Signature: " + signature(testSecret, "") + "\r\n"
	chunk := strings.Repeat(" ", verify.BodyBytesMax+1)
	for name, row := range map[string]struct {
		request string
		status  int
		fault   string
	}{
		"announced, and not waited for": {head + "Content-Length: 1073741824\r\n\r\n", 413, "too_large"},
		"in chunks":                     {head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(chunk), chunk), 413, "too_large"},
		"broken off":                    {head + "Content-Length: 100\r\n\r\n{", 400, "body_incomplete"},
		"chunks that are none":          {head + "Transfer-Encoding: chunked\r\n\r\nnone\r\n", 400, "body_incomplete"},
		"nothing, in chunks":            {head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 401, "body_not_json"},
	} {
		t.Run(name, func(t *testing.T) { send(t, address, row.request).expect(t, row.status, row.fault) })
	}
}

func TestTheHeadersOfAPageAreReadStrictly(t *testing.T) {
	endpoint := verify.Must(verify.NewSessionEndpoint(testSecret, &verify.MemoryStore{}, signedInAsAda))
	address := serve(t, "/buddy/session", endpoint)
	head, body, _ := strings.Cut(sessionRequest(), "\r\n\r\n")
	head = strings.Replace(head, "\r\nSec-Fetch-Site: same-origin", "", 1)
	for name, row := range map[string]struct {
		headers string
		status  int
		fault   string
	}{
		"two sites":                  {"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site", 403, "cross_site"},
		"an empty site":              {"Sec-Fetch-Site:", 403, "cross_site"},
		"two origins":                {"Origin: https://shop.example\r\nOrigin: https://evil.example", 403, "cross_site"},
		"an empty origin":            {"Origin:", 403, "cross_site"},
		"an origin that is no URL":   {"Origin: https://shop.example:port", 403, "cross_site"},
		"an origin with a user name": {"Origin: https://shop.example@evil.example", 403, "cross_site"},
		"a host in other letters":    {"Origin: https://SHOP.example", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			send(t, address, head+"\r\n"+row.headers+"\r\n\r\n"+body).expect(t, row.status, row.fault)
		})
	}
	hostless := strings.Replace(head, "HTTP/1.1\r\nHost: shop.example", "HTTP/1.0\r\nOrigin: null", 1)
	send(t, address, hostless+"\r\n\r\n"+body).expect(t, 403, "cross_site")
}
