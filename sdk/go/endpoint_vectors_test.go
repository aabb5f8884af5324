package verify_test

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
	"time"

	"buddy.example/verify"
)

func agentOption(agentID *string) []verify.Option {
	if agentID == nil {
		return nil
	}
	return []verify.Option{verify.ForAgent(*agentID)}
}

type identityVector struct {
	Name    string
	Secrets []string
	AgentID *string
	User    *struct {
		UserID, Email, Role string
		CustomAttributes    map[string]any
	}
	Method  string
	Headers map[string]string
	Body    string
	Expect  struct {
		Status int
		Error  string
		JSON   json.RawMessage
	}
}

func (v identityVector) userOf(context.Context, string) (*verify.User, error) {
	if v.User == nil {
		return nil, nil
	}
	user := &verify.User{UserID: v.User.UserID, Email: v.User.Email, Role: v.User.Role}
	if v.User.CustomAttributes != nil {
		user.CustomAttributes = v.User.CustomAttributes
	}
	return user, nil
}

func TestTheIdentityEndpointAnswersAsTheVectorsSay(t *testing.T) {
	var file struct {
		Now          int64
		BodyBytesMax int
		Vectors      []identityVector
	}
	readVectors(t, "identity_endpoint.json", &file)
	atLeast(t, "requests", len(file.Vectors), 18)
	if file.BodyBytesMax != verify.BodyBytesMax {
		t.Errorf("the limit is %d, not %d", verify.BodyBytesMax, file.BodyBytesMax)
	}
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			var refused []verify.Refusal
			options := []verify.IdentityOption{
				verify.WithClock(func() time.Time { return time.Unix(file.Now, 0) }),
				verify.OnRefused(func(_ *http.Request, refusal verify.Refusal) { refused = append(refused, refusal) }),
			}
			for _, option := range agentOption(vector.AgentID) {
				options = append(options, option)
			}
			endpoint, err := verify.NewIdentityEndpoint(vector.Secrets, vector.userOf, options...)
			if err != nil {
				t.Fatal(err)
			}
			address := serve(t, "/buddy/identity", endpoint)
			answer := send(t, address, request(vector.Method, "/buddy/identity", vector.Headers, vector.Body))
			answer.expect(t, vector.Expect.Status, vector.Expect.Error)
			if vector.Expect.Error != "" {
				if len(refused) != 1 || refused[0].Code != vector.Expect.Error || refused[0].Status != vector.Expect.Status {
					t.Errorf("OnRefused was told %v", refused)
				}
			} else if len(refused) != 0 {
				t.Errorf("OnRefused was told %v", refused)
			}
			if vector.Expect.JSON != nil {
				expectJSON(t, answer, vector.Expect.JSON)
			}
		})
	}
}

func expectJSON(t *testing.T, answer reply, expected json.RawMessage) {
	t.Helper()
	var got, wanted any
	if err := json.Unmarshal([]byte(answer.body), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(expected, &wanted); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, wanted) || answer.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s as %q, not %s", answer.body, answer.header.Get("Content-Type"), expected)
	}
}

type sessionVector struct {
	Name     string
	AgentID  *string
	SignedIn *string
	BoundTo  *string
	Method   string
	Headers  map[string]string
	Body     string
	Expect   struct {
		Status  int
		Error   string
		Ticket  string
		BoundTo *string
	}
}

func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func TestTheSessionEndpointAnswersAsTheVectorsSay(t *testing.T) {
	var file struct {
		Secret, SessionID string
		BodyBytesMax      int
		BindingSeconds    int64
		Vectors           []sessionVector
	}
	readVectors(t, "session_endpoint.json", &file)
	atLeast(t, "requests", len(file.Vectors), 44)
	if file.BodyBytesMax != verify.BodyBytesMax || time.Duration(file.BindingSeconds)*time.Second != verify.BindingLifetime {
		t.Errorf("the limits are %d and %v", verify.BodyBytesMax, verify.BindingLifetime)
	}
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			store := &verify.MemoryStore{}
			if vector.BoundTo != nil {
				bind(t, store, file.SessionID, *vector.BoundTo, true)
			}
			var options []verify.SessionOption
			for _, option := range agentOption(vector.AgentID) {
				options = append(options, option)
			}
			signedIn := func(*http.Request) (string, error) { return textOf(vector.SignedIn), nil }
			endpoint, err := verify.NewSessionEndpoint(file.Secret, store, signedIn, options...)
			if err != nil {
				t.Fatal(err)
			}
			address := serve(t, "/buddy/session", endpoint)
			answer := send(t, address, request(vector.Method, "/buddy/session", vector.Headers, vector.Body))
			answer.expect(t, vector.Expect.Status, vector.Expect.Error)
			if answer.body != "" && answer.member(t, "ticket") != vector.Expect.Ticket {
				t.Errorf("%s, not %q", answer.body, vector.Expect.Ticket)
			}
			find(t, store, file.SessionID, textOf(vector.Expect.BoundTo))
		})
	}
}
