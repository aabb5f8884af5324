package verify_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"buddy.example/verify"
)

func bind(t *testing.T, store verify.Store, sessionID, userID string, expected bool) {
	t.Helper()
	if isTheirs, err := store.Bind(context.Background(), sessionID, userID); isTheirs != expected || err != nil {
		t.Errorf("%s to %s: %v, %v", sessionID, userID, isTheirs, err)
	}
}

func find(t *testing.T, store verify.Store, sessionID, expected string) {
	t.Helper()
	if userID, err := store.Find(context.Background(), sessionID); userID != expected || err != nil {
		t.Errorf("%s is of %q, %v, not of %q", sessionID, userID, err, expected)
	}
}

type handClock struct{ now time.Time }

func (c *handClock) turn(by time.Duration) { c.now = c.now.Add(by) }

func clockedStore() (*verify.MemoryStore, *handClock) {
	clock := &handClock{time.Unix(testNow, 0)}
	return &verify.MemoryStore{Now: func() time.Time { return clock.now }}, clock
}

func TestABindingLasts600SecondsAndAskingAgainDoesNotExtendIt(t *testing.T) {
	store, clock := clockedStore()
	bind(t, store, testSession, "ada", true)
	clock.turn(599 * time.Second)
	bind(t, store, testSession, "ada", true)
	bind(t, store, testSession, "grace", false)
	find(t, store, testSession, "ada")
	clock.turn(time.Second)
	find(t, store, testSession, "")
	bind(t, store, testSession, "grace", true)
	find(t, store, testSession, "grace")
}

func TestAClockThatIsSetBackLosesNoOrder(t *testing.T) {
	store, clock := clockedStore()
	bind(t, store, "later", "ada", true)
	clock.turn(-300 * time.Second)
	bind(t, store, "earlier", "ada", true)
	clock.turn(600 * time.Second)
	find(t, store, "earlier", "")
	find(t, store, "later", "ada")
	bind(t, store, "earlier", "grace", true)
	clock.turn(300 * time.Second)
	find(t, store, "later", "")
	find(t, store, "earlier", "grace")
}

func TestOfManyUsersAtOnceExactlyOneGetsTheSession(t *testing.T) {
	const users = 64
	store := &verify.MemoryStore{}
	var winners atomic.Int32
	var everybody sync.WaitGroup
	for user := 0; user < users; user++ {
		everybody.Add(1)
		go func(userID string) {
			defer everybody.Done()
			isTheirs, err := store.Bind(context.Background(), testSession, userID)
			if err != nil {
				t.Error(err)
			}
			if isTheirs {
				winners.Add(1)
				find(t, store, testSession, userID)
			}
		}(fmt.Sprint(user))
	}
	everybody.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d users have it", winners.Load())
	}
}

func TestAFullStoreForgetsTheOldest(t *testing.T) {
	if verify.BindingsMax != 100_000 {
		t.Errorf("%d, not as the other packages", verify.BindingsMax)
	}
	store, _ := clockedStore()
	for i := 0; i < verify.BindingsMax; i++ {
		bind(t, store, fmt.Sprint(i), "ada", true)
	}
	find(t, store, "0", "ada")
	bind(t, store, "one more", "grace", true)
	find(t, store, "0", "")
	find(t, store, "1", "ada")
	find(t, store, "one more", "grace")
}
