package verify_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"buddy.example/verify"
)

// readVectors reads a published file; every language's package must agree with it.
func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	folder := os.Getenv("BUDDY_VECTORS")
	if folder == "" {
		folder = filepath.Join("..", "..", "spec", "vectors")
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func atLeast(t *testing.T, what string, count, min int) {
	t.Helper()
	if count < min {
		t.Fatalf("%d %s, not %d or more", count, what, min)
	}
}

type verifyVector struct {
	Name      string
	Secrets   []string
	AgentID   *string
	Now       int64
	Body      string
	Signature *string
	Expect    struct {
		Error              string
		SessionID, AgentID string
		Timestamp          int64
	}
}

func verifyVectors(t *testing.T) []verifyVector {
	t.Helper()
	var file struct {
		ToleranceSeconds int64
		Vectors          []verifyVector
	}
	readVectors(t, "verify.json", &file)
	if tolerance := time.Duration(file.ToleranceSeconds) * time.Second; tolerance != verify.Tolerance {
		t.Errorf("the tolerance is %v, not %v", verify.Tolerance, tolerance)
	}
	atLeast(t, "requests", len(file.Vectors), 50)
	return file.Vectors
}

func (v verifyVector) verify(now time.Time) (verify.Callback, error) {
	var signature []string
	if v.Signature != nil {
		signature = []string{*v.Signature}
	}
	callback, err := verify.Verify([]byte(v.Body), signature, v.Secrets, now)
	if err == nil && v.AgentID != nil {
		return callback.ForAgent(*v.AgentID)
	}
	return callback, err
}

func TestEveryPublishedSignatureMatchesAndNoOtherSecretDoes(t *testing.T) {
	var file struct {
		Vectors []struct{ Name, Secret, Body, Signature string }
	}
	readVectors(t, "signature.json", &file)
	atLeast(t, "signatures", len(file.Vectors), 22)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			outcome := func(secret string) error {
				_, err := verify.Verify([]byte(vector.Body), []string{vector.Signature}, []string{secret}, time.Unix(1717000000, 0))
				return err
			}
			// Many of these bodies are no callbacks: what counts is what stops them.
			switch err := outcome(vector.Secret); err {
			case nil, verify.ErrBodyNotJSON, verify.ErrBodyIncomplete:
			default:
				t.Errorf("the signature's own secret: %v", err)
			}
			if err := outcome("another-secret-00"); err != verify.ErrNoMatch {
				t.Errorf("another secret: %v", err)
			}
		})
	}
}

func TestRequestsAreTakenAndRefusedAsTheVectorsSay(t *testing.T) {
	for _, vector := range verifyVectors(t) {
		t.Run(vector.Name, func(t *testing.T) {
			callback, err := vector.verify(time.Unix(vector.Now, 0))
			if vector.Expect.Error != "" {
				var fault verify.VerifyError
				if !errors.As(err, &fault) || fault.Code() != vector.Expect.Error {
					t.Fatalf("%v, not %s", err, vector.Expect.Error)
				}
				if fault.Error() == "" || callback != (verify.Callback{}) {
					t.Errorf("no sentence, or a callback beside an error: %q, %v", fault.Error(), callback)
				}
				return
			}
			expected := verify.Callback{
				SessionID: vector.Expect.SessionID,
				AgentID:   vector.Expect.AgentID,
				Timestamp: vector.Expect.Timestamp,
			}
			if err != nil || callback != expected {
				t.Errorf("%v, %v, not %v", callback, err, expected)
			}
		})
	}
}

func TestTicketsAreThoseOfTheVectorsAndNothingButSessionIDsIsSigned(t *testing.T) {
	var file struct {
		Vectors           []struct{ Name, Secret, SessionID, Ticket string }
		RefusedSessionIDs []string
	}
	readVectors(t, "ticket.json", &file)
	atLeast(t, "tickets", len(file.Vectors), 6)
	atLeast(t, "refused session ids", len(file.RefusedSessionIDs), 17)
	for _, vector := range file.Vectors {
		if ticket, err := verify.Ticket(vector.Secret, vector.SessionID); ticket != vector.Ticket || err != nil {
			t.Errorf("%s: %q, %v", vector.Name, ticket, err)
		}
	}
	for _, sessionID := range file.RefusedSessionIDs {
		if ticket, err := verify.Ticket(testSecret, sessionID); ticket != "" || err != verify.ErrBadSessionID {
			t.Errorf("%q: %q, %v", sessionID, ticket, err)
		}
	}
}
