package verify_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	listingLinesMax = 25
	// Ample for a program that only opens a port.
	startTimeout = 20 * time.Second
)

// freeAddress is free until somebody else takes it; the listing names a port, so it cannot ask for any.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func run(t *testing.T, folder string, command ...string) {
	t.Helper()
	program := exec.Command(command[0], command[1:]...)
	program.Dir = folder
	program.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if output, err := program.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, output)
	}
}

// buildListing does what the README says, in an empty folder, and gives the program.
func buildListing(t *testing.T, address string) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	listing := regexp.MustCompile("(?s)```go\n(package main.*?)```").FindSubmatch(text)
	commands := regexp.MustCompile(`(?m)^    (go mod .*)$`).FindAllSubmatch(text, -1)
	if listing == nil || len(commands) != 3 {
		t.Fatalf("the README shows no program, or %d commands", len(commands))
	}
	program := string(listing[1])
	if lines := strings.Count(program, "\n"); lines > listingLinesMax {
		t.Errorf("the listing has %d lines", lines)
	}
	folder := t.TempDir()
	if strings.Count(program, "127.0.0.1:8000") != 1 {
		t.Fatal("the listing names its address not once")
	}
	program = strings.Replace(program, "127.0.0.1:8000", address, 1)
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range commands {
		run(t, folder, strings.Fields(strings.Replace(string(command[1]), "/path/to/buddy/sdk/go", here, 1))...)
	}
	run(t, folder, "go", "vet", ".")
	run(t, folder, "go", "build", "-o", "listing", ".")
	return filepath.Join(folder, "listing")
}

// start runs the program until the test's end, and returns when it accepts connections.
func start(t *testing.T, program, address string) {
	t.Helper()
	process := exec.Command(program)
	process.Env = append(os.Environ(), "BUDDY_SECRET="+testSecret)
	var output strings.Builder
	process.Stderr = &output
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = process.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("the listing ended: %s", output.String())
		default:
		}
	}
	t.Fatalf("the listing does not listen on %s", address)
}

func TestTheListingOfTheReadmeRunsAndKnowsItsUser(t *testing.T) {
	address := freeAddress(t)
	start(t, buildListing(t, address), address)

	bound := send(t, address, sessionRequest())
	bound.expect(t, 200, "")
	if ticket := bound.member(t, "ticket"); ticket != signature(testSecret, "buddy-ticket-v1:"+testSession) {
		t.Errorf("the ticket is %q", ticket)
	}
	body := callbackBody(time.Now().Unix())
	asked := send(t, address, signedRequest(body))
	asked.expect(t, 200, "")
	if asked.body != `{"userId":"42","role":"customer"}` {
		t.Error(asked.body)
	}
	body = strings.Replace(body, testSession, fmt.Sprintf("sess_%026d", 0), 1)
	send(t, address, signedRequest(body)).expect(t, 204, "")
}
