package verify

import (
	"container/list"
	"context"
	"sync"
	"time"
)

const (
	// BindingLifetime is how long a session stays bound: the callback comes within seconds of the ticket.
	BindingLifetime = 600 * time.Second
	// BindingsMax is how many sessions a MemoryStore holds, some 30 MB: a flood of bindings must not exhaust the memory.
	BindingsMax = 100_000
)

// Store notes whose a session is, for BindingLifetime. Its methods are called by several goroutines at once.
type Store interface {
	// Bind gives true if the session is this user's now, newly or already, and false if it is another's. The first user
	// wins, even of two at the same moment; the same user again does not extend the time.
	Bind(ctx context.Context, sessionID, userID string) (bool, error)
	// Find gives the id of the session's user, or "" if it has none.
	Find(ctx context.Context, sessionID string) (string, error)
}

// MemoryStore is a [Store] in this process's memory, for a business that runs one process. It is ready as it is. When
// full it forgets the oldest binding.
type MemoryStore struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	mutex    sync.Mutex
	bindings map[string]*list.Element
	// The bindings, oldest first.
	order list.List
}

type binding struct {
	sessionID, userID string
	ends              time.Time
}

// Bind never fails.
func (s *MemoryStore) Bind(_ context.Context, sessionID, userID string) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.now()
	if bound := s.live(sessionID, now); bound != nil {
		return bound.userID == userID, nil
	}
	if s.bindings == nil {
		s.bindings = make(map[string]*list.Element)
	}
	s.bindings[sessionID] = s.order.PushBack(&binding{sessionID, userID, now.Add(BindingLifetime)})
	if s.order.Len() > BindingsMax {
		s.forget(s.order.Front())
	}
	return true, nil
}

// Find never fails.
func (s *MemoryStore) Find(_ context.Context, sessionID string) (string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if bound := s.live(sessionID, s.now()); bound != nil {
		return bound.userID, nil
	}
	return "", nil
}

// live forgets the session's binding if its time is over, and with it what is over of the oldest.
func (s *MemoryStore) live(sessionID string, now time.Time) *binding {
	for oldest := s.order.Front(); oldest != nil && isOver(oldest, now); oldest = s.order.Front() {
		s.forget(oldest)
	}
	element, found := s.bindings[sessionID]
	if !found {
		return nil
	}
	// A clock that was set back leaves bindings that end before older ones.
	if isOver(element, now) {
		s.forget(element)
		return nil
	}
	return element.Value.(*binding)
}

func (s *MemoryStore) forget(element *list.Element) {
	bound := s.order.Remove(element).(*binding)
	delete(s.bindings, bound.sessionID)
}

func (s *MemoryStore) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

func isOver(element *list.Element, now time.Time) bool {
	return !now.Before(element.Value.(*binding).ends)
}
