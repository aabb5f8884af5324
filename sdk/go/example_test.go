package verify_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"buddy.example/verify"
)

// The two handlers and the store that joins them: Ada's page binds its session, and Buddy then asks whose it is.
func Example() {
	secret, store := "bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx", &verify.MemoryStore{}
	session, err := verify.NewSessionEndpoint(secret, store, func(r *http.Request) (string, error) {
		return "ada", nil // In earnest: the user of your own session cookie.
	})
	if err != nil {
		log.Fatal(err)
	}
	identity, err := verify.NewIdentityEndpoint([]string{secret}, func(ctx context.Context, sessionID string) (*verify.User, error) {
		userID, err := store.Find(ctx, sessionID)
		if userID == "" || err != nil {
			return nil, err
		}
		return &verify.User{UserID: userID, Role: "customer"}, nil
	}, verify.WithClock(func() time.Time { return time.Unix(1717000000, 0) }))
	if err != nil {
		log.Fatal(err)
	}

	page := httptest.NewRequest("POST", "/buddy/session", strings.NewReader(
		`{"sessionId":"sess_01hz2v6yqefws8h3k5n7p9r1tv","agentId":"agt_01hz2v6yqdfqr9c2d4e6f8g0hj"}`))
	page.Header.Set("Content-Type", "application/json")
	callback := httptest.NewRequest("POST", "/buddy/identity", strings.NewReader(
		`{"sessionId":"sess_01hz2v6yqefws8h3k5n7p9r1tv","agentId":"agt_01hz2v6yqdfqr9c2d4e6f8g0hj","timestamp":1717000000}`))
	callback.Header.Set(verify.SignatureHeader, "fcd21bc62af7b0fa710476a41d1ee9d7927fcc5f9495a5a976cd89df2b0a8120")
	for _, step := range []struct {
		endpoint http.Handler
		request  *http.Request
	}{{session, page}, {identity, callback}} {
		answer := httptest.NewRecorder()
		step.endpoint.ServeHTTP(answer, step.request)
		fmt.Println(answer.Code, answer.Body)
	}
	// Output:
	// 200 {"ticket":"bf01540cb4682025e7113ccdac14fa3b89745d6541f885a7450ae0a597df8d77"}
	// 200 {"userId":"ada","role":"customer"}
}

func ExampleVerify() {
	body := []byte(`{"sessionId":"sess_01hz2v6yqefws8h3k5n7p9r1tv","agentId":"agt_01hz2v6yqdfqr9c2d4e6f8g0hj","timestamp":1717000000}`)
	signature := []string{"fcd21bc62af7b0fa710476a41d1ee9d7927fcc5f9495a5a976cd89df2b0a8120"}
	secrets := []string{"bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx"}

	callback, err := verify.Verify(body, signature, secrets, time.Unix(1717000000, 0))
	fmt.Println(callback.SessionID, err)
	_, err = verify.Verify(body, signature, secrets, time.Unix(1717000301, 0))
	fmt.Println(err)
	// Output:
	// sess_01hz2v6yqefws8h3k5n7p9r1tv <nil>
	// the timestamp is more than 300 seconds from now: an old request sent again, or this clock is wrong
}

func ExampleTicket() {
	ticket, err := verify.Ticket("bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx", "sess_01hz2v6yqefws8h3k5n7p9r1tv")
	fmt.Println(ticket, err)
	// Output: bf01540cb4682025e7113ccdac14fa3b89745d6541f885a7450ae0a597df8d77 <nil>
}
