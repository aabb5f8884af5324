package verify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"buddy.example/verify"
)

const (
	testSecret  = "bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx"
	testSession = "sess_01hz2v6yqefws8h3k5n7p9r1tv"
	testAgent   = "agt_01hz2v6yqdfqr9c2d4e6f8g0hj"
	testNow     = 1717000000
)

func callbackBody(now int64) string {
	return fmt.Sprintf(`{"sessionId":"%s","agentId":"%s","timestamp":%d}`, testSession, testAgent, now)
}

// signature is made here anew, so that the package is not the judge of itself.
func signature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func verifySigned(body string) (verify.Callback, error) {
	values := []string{signature(testSecret, body)}
	return verify.Verify([]byte(body), values, []string{testSecret}, time.Unix(testNow, 0))
}

func TestABodyThatIsReadOtherwiseByOthersIsRefused(t *testing.T) {
	right := callbackBody(testNow)
	with := func(old, new string) string { return strings.Replace(right, old, new, 1) }
	for name, row := range map[string]struct {
		body  string
		fault error
	}{
		"a member's name in capitals":       {with(`"sessionId"`, `"SESSIONID"`), verify.ErrBodyIncomplete},
		"names in capitals beside the true": {with(`{`, `{"SessionID":"x","AGENTID":1,"Timestamp":0,`), nil},
		"a member twice":                    {with(`{`, `{"agentId":"`+testAgent+`",`), verify.ErrBodyIncomplete},
		"a member twice, once escaped":      {with(`{`, `{"\u0061gentId":"`+testAgent+`",`), verify.ErrBodyIncomplete},
		"an exponent":                       {with(`1717000000`, `1.717e9`), verify.ErrBodyIncomplete},
		"a whole float":                     {with(`1717000000`, `1717000000.0`), verify.ErrBodyIncomplete},
		"a timestamp over int64":            {with(`1717000000`, `9223372036854775808`), verify.ErrBodyIncomplete},
		"a timestamp of 2 to the 64th more": {with(`1717000000`, `18446744075426551616`), verify.ErrBodyIncomplete},
		"the least timestamp":               {with(`1717000000`, `-9223372036854775808`), verify.ErrStale},
		"a session id of null":              {with(`"`+testSession+`"`, `null`), verify.ErrBodyIncomplete},
		"bytes that are not UTF-8":          {with(`agt_`, "agt_\xff"), verify.ErrBodyNotJSON},
		"not UTF-8 where nobody looks":      {with(`{`, "{\"later\":\"\xc3\","), verify.ErrBodyNotJSON},
		"a byte order mark":                 {"\ufeff" + right, verify.ErrBodyNotJSON},
		"a second object":                   {right + right, verify.ErrBodyNotJSON},
		"spaces all over":                   {" {\"sessionId\" : \"" + testSession + "\" ,\n\"agentId\":\t\"" + testAgent + "\", \"timestamp\" : 1717000000 } \r\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := verifySigned(row.body); err != row.fault {
				t.Errorf("%v, not %v", err, row.fault)
			}
		})
	}
}

func TestClocksAtTheEndsOfTimeAreStaleAndDoNotOverflow(t *testing.T) {
	good := verifyVectors(t)[0]
	for _, now := range []int64{math.MinInt64, math.MaxInt64, 0} {
		if _, err := good.verify(time.Unix(now, 0)); err != verify.ErrStale {
			t.Errorf("%d: %v", now, err)
		}
	}
	body := callbackBody(math.MinInt64)
	values := []string{signature(testSecret, body)}
	if _, err := verify.Verify([]byte(body), values, []string{testSecret}, time.Unix(math.MaxInt64, 0)); err != verify.ErrStale {
		t.Errorf("from one end to the other: %v", err)
	}
}

func TestTwoHeadersAreRefusedThoughBothAreRight(t *testing.T) {
	body := callbackBody(testNow)
	right := signature(testSecret, body)
	_, err := verify.Verify([]byte(body), []string{right, right}, []string{testSecret}, time.Unix(testNow, 0))
	if err != verify.ErrWrongLength {
		t.Error(err)
	}
}

func TestAFaultIsFoundThroughWhatWrapsIt(t *testing.T) {
	_, err := verifySigned("{}")
	wrapped := fmt.Errorf("refused: %w", err)
	var fault verify.VerifyError
	if !errors.Is(wrapped, verify.ErrBodyIncomplete) || errors.Is(wrapped, verify.ErrStale) ||
		!errors.As(wrapped, &fault) || fault.Code() != "body_incomplete" {
		t.Error(wrapped)
	}
}

func TestATicketIsNotMadeWithASecretThatWasNotSet(t *testing.T) {
	for _, secret := range badSecrets {
		if ticket, err := verify.Ticket(secret, testSession); ticket != "" || err != verify.ErrBadSecret {
			t.Errorf("%q: %q, %v", secret, ticket, err)
		}
	}
}
