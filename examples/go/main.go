// Command shop is a small shop that answers Buddy's identity callback.
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"buddy.example/verify"
)

// A client that sends its headers slower than this holds a connection for nothing.
const headerTimeout = 5 * time.Second

var logins = map[string]string{"ada": "ada-1815", "grace": "grace-1906"}

var users = map[string]*verify.User{
	"ada-1815": {UserID: "ada-1815", Email: "ada@shop.example", Role: "customer",
		CustomAttributes: map[string]any{"plan": "gold"}},
	"grace-1906": {UserID: "grace-1906", Email: "grace@shop.example", Role: "customer",
		CustomAttributes: map[string]any{"plan": "silver"}},
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	secrets := []string{os.Getenv("BUDDY_SECRET")}
	if secrets[0] == "" {
		return errors.New("set BUDDY_SECRET to the callback secret that belongs to your agent")
	}
	if old := os.Getenv("BUDDY_OLD_SECRET"); old != "" {
		secrets = append(secrets, old)
	}
	handler, err := shop(secrets)
	if err != nil {
		return err
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "8000"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	log.Printf("the shop is at http://%s", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout}
	return server.Serve(listener)
}

func shop(secrets []string) (http.Handler, error) {
	mux, store, signedIn := http.NewServeMux(), &verify.MemoryStore{}, &sessions{}
	mux.HandleFunc("/login", signedIn.login)
	mux.HandleFunc("/logout", signedIn.logout)

	// [identity]
	identity, err := verify.NewIdentityEndpoint(secrets, func(ctx context.Context, sessionID string) (*verify.User, error) {
		userID, err := store.Find(ctx, sessionID)
		if err != nil {
			return nil, err
		}
		return users[userID], nil
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("/buddy/identity", identity)
	// [/identity]

	// [session]
	session, err := verify.NewSessionEndpoint(secrets[0], store, func(r *http.Request) (string, error) {
		return signedIn.userID(r), nil
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("/buddy/session", session)
	// [/session]

	return mux, nil
}

func (s *sessions) login(w http.ResponseWriter, r *http.Request) {
	if !isPost(w, r) {
		return
	}
	userID, found := logins[r.PostFormValue("user")]
	if !found {
		http.Error(w, "the users are ada and grace", http.StatusBadRequest)
		return
	}
	if err := s.begin(w, userID); err != nil {
		log.Printf("cannot begin a session: %v", err)
		http.Error(w, "cannot sign in", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *sessions) logout(w http.ResponseWriter, r *http.Request) {
	if !isPost(w, r) {
		return
	}
	s.end(r)
	w.WriteHeader(http.StatusNoContent)
}

func isPost(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodPost {
		return true
	}
	w.Header().Set("Allow", http.MethodPost)
	http.Error(w, "use POST", http.StatusMethodNotAllowed)
	return false
}
