package firestore

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/firestore/database"
)

func TestACommitGoesOnlyToWhoListensThere(t *testing.T) {
	t.Parallel()
	all := []string{"lines/1", "orders/1", "orders/1/lines/1", "orders/2"}
	group := func(id string) database.Scope { return database.Scope{Collection: id, Group: true} }
	below := func(id string, group bool) database.Scope {
		return database.Scope{Parent: "orders/1", Collection: id, Group: group}
	}
	tests := map[string]struct {
		topic topic
		want  []string
	}{
		"a document":           {topic{aDocument, "orders/1"}, []string{"orders/1"}},
		"a collection":         {topicOf(database.Scope{Collection: "orders"}), []string{"orders/1", "orders/2"}},
		"a subcollection":      {topicOf(below("lines", false)), []string{"orders/1/lines/1"}},
		"a group":              {topicOf(group("lines")), []string{"lines/1", "orders/1/lines/1"}},
		"a group below":        {topicOf(below("lines", true)), []string{"lines/1", "orders/1/lines/1"}},
		"everything":           {topicOf(group("")), all},
		"a collection's name":  {topic{aDocument, "orders"}, nil},
		"another collection":   {topicOf(database.Scope{Collection: "order"}), nil},
		"a group that is none": {topicOf(group("1")), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fd, in := &feed{inboxes: map[topic]map[*inbox]struct{}{}}, newInbox()
			fd.subscribe(in, []topic{test.topic})
			for i, path := range all {
				fd.publish(database.Batch{Time: time.Unix(int64(i), 0), Changes: []database.Change{{After: version(path, i)}}})
			}
			var got []string
			for _, b := range in.take() {
				got = append(got, changed(b.Changes[0]))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("commits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTwoTargetsOfOneTopicAreToldOnceAndLeaveOneByOne(t *testing.T) {
	t.Parallel()
	fd, in := &feed{inboxes: map[topic]map[*inbox]struct{}{}}, newInbox()
	orders, one := []topic{{aCollection, "orders"}}, []topic{{aDocument, "orders/1"}}
	fd.subscribe(in, orders)
	fd.subscribe(in, orders)
	fd.subscribe(in, one)
	second := 0
	told := func() int {
		second++
		fd.publish(database.Batch{Time: time.Unix(int64(second), 0), Changes: []database.Change{
			{After: version("orders/1", second)}, {After: version("orders/2", second)},
		}})
		return len(in.take())
	}
	if n := told(); n != 1 {
		t.Errorf("a commit was told %d times", n)
	}
	fd.unsubscribe(in, orders)
	fd.unsubscribe(in, one)
	if n := told(); n != 1 {
		t.Errorf("with one target left, a commit was told %d times", n)
	}
	fd.unsubscribe(in, orders)
	if n := told(); n != 0 || len(fd.inboxes) != 0 || len(in.topics) != 0 {
		t.Errorf("with no target left, %d commits were told; left over: %v %v", n, fd.inboxes, in.topics)
	}
}

func TestAResumeTokenIsOfOneServer(t *testing.T) {
	t.Parallel()
	a, b, at := newFeeds(), newFeeds(), time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)
	if got, ok := a.moment(a.token(at)); !ok || !got.Equal(at) {
		t.Errorf("moment(token(%v)) = %v, %t", at, got, ok)
	}
	for name, token := range map[string][]byte{
		"of another server": b.token(at), "cut": a.token(at)[:15], "longer": append(a.token(at), 0), "none": nil,
	} {
		if got, ok := a.moment(token); ok {
			t.Errorf("a token that is %s is of %v", name, got)
		}
	}
}
