package main

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"
)

const cookieName = "shop_session"

// sessions are the shop's own sign-ins: a random id in the cookie, the user's id here. They end with the process.
type sessions struct{ users sync.Map }

// begin sets no Secure cookie because this example is tried over plain HTTP; set it in earnest.
func (s *sessions) begin(w http.ResponseWriter, userID string) error {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	id := hex.EncodeToString(random)
	s.users.Store(id, userID)
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return nil
}

func (s *sessions) end(r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		s.users.Delete(cookie.Value)
	}
}

// userID is "" when nobody is signed in.
func (s *sessions) userID(r *http.Request) string {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	found, _ := s.users.Load(cookie.Value)
	userID, _ := found.(string)
	return userID
}
