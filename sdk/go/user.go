package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What Buddy takes, see the table of members in spec/callback.md; more would leave the session anonymous, or lose the
// member.
const (
	userIDCharsMax = 256
	emailCharsMax  = 320
	roleCharsMax   = 128
)

// User is who is signed in. Only UserID is required; members that are empty are left out of the answer.
type User struct {
	// UserID is your own id of the user: 1 to 256 characters, not blank, no control characters. A number is written with
	// strconv.FormatInt.
	UserID string
	// Email has at most 320 characters.
	Email string
	// Role has at most 128 characters.
	Role string
	// CustomAttributes is what else the agent may know: a map[string]any, a json.RawMessage, or another value that
	// encodes to a JSON object.
	CustomAttributes any
}

// encode gives the user as the answer's body, or an error that names the member Buddy would not take.
func (u *User) encode() ([]byte, error) {
	if err := checkUserID(u.UserID); err != nil {
		return nil, err
	}
	if err := checkText("Email", u.Email, emailCharsMax); err != nil {
		return nil, err
	}
	if err := checkText("Role", u.Role, roleCharsMax); err != nil {
		return nil, err
	}
	attributes, err := encodeAttributes(u.CustomAttributes)
	if err != nil {
		return nil, err
	}
	return encodeJSON(struct {
		UserID           string          `json:"userId"`
		Email            string          `json:"email,omitempty"`
		Role             string          `json:"role,omitempty"`
		CustomAttributes json.RawMessage `json:"customAttributes,omitempty"`
	}{u.UserID, u.Email, u.Role, attributes})
}

func checkUserID(id string) error {
	if strings.TrimSpace(id) == "" {
		return errors.New("UserID is blank")
	}
	if strings.IndexFunc(id, unicode.IsControl) >= 0 {
		return errors.New("UserID has a control character")
	}
	return checkText("UserID", id, userIDCharsMax)
}

func checkText(member, text string, charsMax int) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s is not UTF-8", member)
	}
	if utf8.RuneCountInString(text) > charsMax {
		return fmt.Errorf("%s is longer than %d characters", member, charsMax)
	}
	return nil
}

func encodeAttributes(attributes any) (json.RawMessage, error) {
	encoded, err := encodeJSON(attributes)
	if err != nil {
		return nil, fmt.Errorf("CustomAttributes cannot be written as JSON: %w", err)
	}
	if bytes.Equal(encoded, []byte("null")) {
		return nil, nil
	}
	if encoded[0] != '{' || !utf8.Valid(encoded) {
		return nil, errors.New("CustomAttributes is not a JSON object in UTF-8")
	}
	return encoded, nil
}

// encodeJSON keeps <, > and & as they are; json.Marshal escapes them.
func encodeJSON(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}
