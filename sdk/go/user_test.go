package verify_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"buddy.example/verify"
)

func answerWith(t *testing.T, user verify.User) (answer reply, logged string) {
	t.Helper()
	logger, buffer := lines()
	userOf := func(context.Context, string) (*verify.User, error) { return &user, nil }
	address := serve(t, "/buddy/identity", identityAt(t, userOf, verify.WithLogger(logger)))
	answer = send(t, address, signedRequest(callbackBody(testNow)))
	return answer, buffer.String()
}

func TestAUserIsAnsweredAsGiven(t *testing.T) {
	type plan struct {
		Plan string `json:"plan"`
	}
	var noMap map[string]any
	for name, row := range map[string]struct {
		user     verify.User
		expected string
	}{
		"Unicode":                      {verify.User{UserID: "Zoë 漢字 🦀", Role: "λ"}, `{"userId":"Zoë 漢字 🦀","role":"λ"}`},
		"spaces and capitals":          {verify.User{UserID: " A b "}, `{"userId":" A b "}`},
		"256 characters of four bytes": {verify.User{UserID: strings.Repeat("🦀", 256)}, `{"userId":"` + strings.Repeat("🦀", 256) + `"}`},
		"markup is not escaped":        {verify.User{UserID: "<a&b>", CustomAttributes: map[string]any{"t": "<&>"}}, `{"userId":"<a&b>","customAttributes":{"t":"<&>"}}`},
		"raw attributes":               {verify.User{UserID: "1", CustomAttributes: json.RawMessage(` {"n":12345678901234567890.10,"t":"<"} `)}, `{"userId":"1","customAttributes":{"n":12345678901234567890.10,"t":"<"}}`},
		"attributes of a struct":       {verify.User{UserID: "1", CustomAttributes: plan{"gold"}}, `{"userId":"1","customAttributes":{"plan":"gold"}}`},
		"attributes, but none":         {verify.User{UserID: "1", CustomAttributes: map[string]any{}}, `{"userId":"1","customAttributes":{}}`},
		"a nil map":                    {verify.User{UserID: "1", CustomAttributes: noMap}, `{"userId":"1"}`},
		"raw null":                     {verify.User{UserID: "1", CustomAttributes: json.RawMessage("null")}, `{"userId":"1"}`},
		"a nil raw message":            {verify.User{UserID: "1", CustomAttributes: json.RawMessage(nil)}, `{"userId":"1"}`},
		"the longest email and role":   {verify.User{UserID: "1", Email: strings.Repeat("é", 320), Role: strings.Repeat("é", 128)}, `{"userId":"1","email":"` + strings.Repeat("é", 320) + `","role":"` + strings.Repeat("é", 128) + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			answer, logged := answerWith(t, row.user)
			answer.expect(t, 200, "")
			if answer.body != row.expected || logged != "" {
				t.Errorf("%s (logged %q), not %s", answer.body, logged, row.expected)
			}
		})
	}
}

func TestAUserThatBuddyWouldNotTakeIsNamedInTheLogAnd500(t *testing.T) {
	attributes := func(value any) verify.User { return verify.User{UserID: "1", CustomAttributes: value} }
	for name, row := range map[string]struct {
		user   verify.User
		reason string
	}{
		"no id":                    {verify.User{}, "UserID is blank"},
		"a blank id":               {verify.User{UserID: " \u2003\u00a0"}, "UserID is blank"},
		"a line end in the id":     {verify.User{UserID: "1\n"}, "UserID has a control character"},
		"a late control character": {verify.User{UserID: "1\u0085"}, "UserID has a control character"},
		"257 characters":           {verify.User{UserID: strings.Repeat("é", 257)}, "UserID is longer than 256 characters"},
		"an id that is not UTF-8":  {verify.User{UserID: "1\xff"}, "UserID is not UTF-8"},
		"a long email":             {verify.User{UserID: "1", Email: strings.Repeat("é", 321)}, "Email is longer than 320 characters"},
		"a long role":              {verify.User{UserID: "1", Role: strings.Repeat("é", 129)}, "Role is longer than 128 characters"},
		"attributes in a list":     {attributes([]string{"gold"}), "CustomAttributes is not a JSON object"},
		"attributes as a text":     {attributes("{}"), "CustomAttributes is not a JSON object"},
		"attributes as bytes":      {attributes([]byte("{}")), "CustomAttributes is not a JSON object"},
		"a raw list":               {attributes(json.RawMessage("[]")), "CustomAttributes is not a JSON object"},
		"a raw half":               {attributes(json.RawMessage(`{"plan":`)), "CustomAttributes cannot be written as JSON"},
		"nothing, raw":             {attributes(json.RawMessage("")), "CustomAttributes cannot be written as JSON"},
		"raw, and not UTF-8":       {attributes(json.RawMessage("{\"a\":\"\xff\"}")), "CustomAttributes is not a JSON object"},
		"what JSON does not have":  {attributes(map[string]any{"a": math.NaN()}), "CustomAttributes cannot be written as JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, logged := answerWith(t, row.user)
			answer.expect(t, 500, "")
			expected := "buddy: the look-up of a session's user gave one that Buddy would not take: " + row.reason
			if !strings.HasPrefix(logged, expected) || strings.Count(logged, "\n") != 1 {
				t.Errorf("logged %q, not %q", logged, expected)
			}
			if strings.Contains(answer.body, "UserID") || strings.Contains(answer.body, "Attributes") {
				t.Errorf("told to the caller: %s", answer.body)
			}
		})
	}
}
