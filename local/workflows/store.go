package workflows

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
)

// store keeps executions: all that run and a bounded number of finished ones.
type store struct {
	mu       sync.Mutex
	sequence int64
	byName   map[string]*execution
	byFlow   map[string]*history
	done     []*execution // finished ones as a ring
	oldest   int          // index in done once it is full
	keep     int
}

// history lists the executions of one workflow, oldest first. Forgotten ones
// stay in it until they are half of it, so that forgetting costs O(1) on average.
type history struct {
	list []*execution
	gone int
}

func (s *store) init(keep int) {
	s.byName, s.byFlow, s.keep = map[string]*execution{}, map[string]*history{}, keep
}

// add adds a new execution, also to the journal.
func (s *store) add(ex *execution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ex.sequence = s.sequence + 1
	s.insert(ex)
	ex.engine.journal.note(ex)
}

// insert needs the lock.
func (s *store) insert(ex *execution) {
	s.sequence = max(s.sequence, ex.sequence)
	s.byName[ex.state.Name] = ex
	h := s.byFlow[ex.state.Workflow]
	if h == nil {
		h = &history{}
		s.byFlow[ex.state.Workflow] = h
	}
	i, _ := h.search(ex.sequence)
	h.list = slices.Insert(h.list, i, ex)
}

// search is where the execution of a sequence number is or would be.
func (h *history) search(sequence int64) (int, bool) {
	return slices.BinarySearchFunc(h.list, sequence, func(x *execution, seq int64) int { return cmp.Compare(x.sequence, seq) })
}

// finished notes the end of an execution and forgets the one that ended
// longest ago if there are too many.
func (s *store) finished(ex *execution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[ex.state.Name] != ex {
		return // its workflow is deleted
	}
	if len(s.done) < s.keep {
		s.done = append(s.done, ex)
		return
	}
	s.forget(s.done[s.oldest])
	s.done[s.oldest] = ex
	s.oldest = (s.oldest + 1) % s.keep
}

func (s *store) forget(ex *execution) {
	delete(s.byName, ex.state.Name)
	h := s.byFlow[ex.state.Workflow]
	if h.gone++; h.gone*2 > len(h.list) {
		h.list = slices.DeleteFunc(h.list, func(x *execution) bool { return s.byName[x.state.Name] == nil })
		h.gone = 0
	}
}

// get finds an execution by resource name; nil if it is not kept.
func (s *store) get(name string) *execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[name]
}

// before gives up to n kept executions (all if negative) of a workflow that were
// created before a sequence number (any if 0), newest first.
func (s *store) before(id string, sequence int64, n int) []*execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.byFlow[id]
	if h == nil {
		return nil
	}
	end := len(h.list)
	if sequence > 0 {
		end, _ = h.search(sequence)
	}
	var out []*execution
	for i := end - 1; i >= 0 && len(out) != n; i-- {
		if ex := h.list[i]; s.byName[ex.state.Name] != nil {
			out = append(out, ex)
		}
	}
	return out
}

// all gives all kept executions in the order of their creation.
func (s *store) all() []*execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Collect(maps.Values(s.byName))
	slices.SortFunc(list, func(a, b *execution) int { return cmp.Compare(a.sequence, b.sequence) })
	return list
}

// executionID is the last part of a resource name.
func executionID(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
