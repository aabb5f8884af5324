package verify_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A test that waits longer has found a fault.
const exchangeTimeout = 20 * time.Second

type reply struct {
	status int
	header http.Header
	body   string
}

// serve puts the handler behind a real socket, as an application would mount it.
func serve(t *testing.T, path string, handler http.Handler) (address string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(path, handler)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// send writes the request as it is: an HTTP client would set headers of its own. What is sent ends where the text ends.
func send(t *testing.T, address, request string) reply {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

func request(method, path string, headers map[string]string, body string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\n", method, path)
	if _, given := headers["Host"]; !given {
		text.WriteString("Host: shop.example\r\n")
	}
	for name, value := range headers {
		fmt.Fprintf(&text, "%s: %s\r\n", name, value)
	}
	fmt.Fprintf(&text, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return text.String()
}

func signedRequest(body string) string {
	return request("POST", "/buddy/identity", map[string]string{"X-Platform-Signature": signature(testSecret, body)}, body)
}

func sessionRequest() string {
	return request("POST", "/buddy/session", map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"},
		`{"sessionId":"`+testSession+`","agentId":"`+testAgent+`"}`)
}

func (r reply) member(t *testing.T, name string) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(r.body), &members); err != nil {
		t.Fatalf("%q: %v", r.body, err)
	}
	text, _ := members[name].(string)
	return text
}

// expect checks what holds of every answer of either endpoint, too.
func (r reply) expect(t *testing.T, status int, fault string) {
	t.Helper()
	if r.status != status {
		t.Fatalf("%d %s, not %d", r.status, r.body, status)
	}
	if control := r.header.Values("Cache-Control"); len(control) != 1 || control[0] != "no-store" {
		t.Errorf("Cache-Control: %q", control)
	}
	for name := range r.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is sent", name)
		}
	}
	if status == http.StatusNoContent && r.body != "" {
		t.Errorf("204 with a body: %q", r.body)
	}
	if fault == "" {
		return
	}
	if found := r.member(t, "error"); found != fault || r.member(t, "message") == "" {
		t.Errorf("%s, not %s", r.body, fault)
	}
}
