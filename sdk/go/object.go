package verify

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// object has the members of a JSON object under their exact names: a struct would take "SESSIONID" for sessionId too.
type object map[string]json.RawMessage

// readObject gives ErrBodyNotJSON, or ErrBodyIncomplete for what is no object or names a member twice: two readers of
// such a body could differ in what they take from it.
func readObject(body []byte) (object, error) {
	// The decoder would put U+FFFD for bytes that are not UTF-8, and stop at the end of the object.
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, ErrBodyNotJSON
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, ErrBodyIncomplete
	}
	members := object{}
	for decoder.More() {
		token, err := decoder.Token()
		name, isText := token.(string)
		if err != nil || !isText {
			return nil, ErrBodyNotJSON
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, ErrBodyNotJSON
		}
		if _, twice := members[name]; twice {
			return nil, ErrBodyIncomplete
		}
		members[name] = value
	}
	return members, nil
}

// text is false for a member that is missing or no string; null is none.
func (o object) text(name string) (string, bool) {
	value := o[name]
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	var text string
	err := json.Unmarshal(value, &text)
	return text, err == nil
}
