package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/object"
)

// Replay is the record of a replay: who published what again, when, and why.
type Replay struct {
	ID        string    `json:"id"` // also ce-replay of the events
	By        string    `json:"by"`
	Reason    string    `json:"reason"`
	StartTime time.Time `json:"start_time"`
	EndTime   time.Time `json:"end_time,omitzero"` // zero: under way, or it was killed

	From     time.Time `json:"from"` // the window
	To       time.Time `json:"to"`
	Types    []string  `json:"types"`
	Function string    `json:"function,omitempty"` // the only one that it was for
	Order    string    `json:"order,omitempty"`    // the only one that it was about

	Selected int    `json:"selected"` // events
	Replayed int    `json:"replayed"` // of them, published again
	Error    string `json:"error,omitempty"`
}

const (
	replayPrefix = "replays/"
	replayType   = "application/json"
	maxReplay    = 1 << 20 // bytes of a record
)

// SaveReplay keeps a record, in place of what was kept of the same replay.
func SaveReplay(ctx context.Context, b *bucket.Bucket, r Replay) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	w := b.Replace(ctx, replayPrefix+r.ID+".json", replayType, nil)
	defer w.Abort()
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("keep the record of replay %s: %w", r.ID, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("keep the record of replay %s: %w", r.ID, err)
	}
	return nil
}

// Replays are the records there are, oldest first.
func Replays(ctx context.Context, b *bucket.Bucket) (replays []Replay, err error) {
	for after, more := "", true; more; more = after != "" {
		var found []object.Object
		if found, after, err = b.List(ctx, replayPrefix, after, page); err != nil {
			return nil, err
		}
		for _, o := range found {
			r, err := readReplay(ctx, b, o)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", o.URL(), err)
			}
			replays = append(replays, r)
		}
	}
	slices.SortStableFunc(replays, func(a, b Replay) int { return a.StartTime.Compare(b.StartTime) })
	return replays, nil
}

func readReplay(ctx context.Context, b *bucket.Bucket, o object.Object) (r Replay, err error) {
	if o.Size > maxReplay {
		return r, errors.New("it is too large for a record of a replay")
	}
	in, err := b.Read(ctx, o.Name, o.Generation, 0, -1)
	if err != nil {
		return r, err
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}
