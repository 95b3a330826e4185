package importing

import (
	"context"
	"errors"
	"time"
)

// Sweeper brings every import to its end, and plans uploads whose event was lost.
type Sweeper struct {
	Planner
	Grace time.Duration // an upload this old should have been planned
}

// Swept is what a sweep did.
type Swept struct {
	Planned, Resumed, Asked, Reported int
	Stalled                           time.Duration // how long nothing has happened to the quietest import that it looked at
}

// Limits of a sweep.
const (
	sweepLimit = 200
	sweepPage  = 200
)

// Sweep looks at every import whose time has come, and at every upload that is still there. One's error does not keep it
// from the others.
func (s Sweeper) Sweep(ctx context.Context) (Swept, error) {
	var (
		done   Swept
		failed []error
	)
	due, err := s.Imports.Due(ctx, s.Now(), sweepLimit)
	failed = append(failed, err)
	for _, im := range due {
		failed = append(failed, s.attend(ctx, im, &done))
	}
	failed = append(failed, s.uploads(ctx, &done))
	return done, errors.Join(failed...)
}

// attend claims the import first: one that always fails must not be what every sweep is busy with.
func (s Sweeper) attend(ctx context.Context, im *Import, done *Swept) error {
	im.NextLook = s.Now().Add(s.Patience)
	if err := s.Imports.Save(ctx, im); errors.Is(err, ErrConflict) {
		return nil // somebody is at it
	} else if err != nil {
		return err
	}
	quiet := func(since time.Time) { done.Stalled = max(done.Stalled, s.Now().Sub(since)) }
	switch {
	case im.State == Planning:
		quiet(im.Created)
		done.Resumed++
		return s.Resume(ctx, im)
	case im.State == Working:
		moved, err := s.askAgain(ctx, im, done)
		quiet(moved)
		return err
	}
	quiet(im.Ended)
	done.Reported++
	return s.Report(ctx, im)
}

// askAgain asks for the chunks that nobody has moved for a while: their message is lost, or whoever had it died. It answers
// when any was moved last.
func (s Sweeper) askAgain(ctx context.Context, im *Import, done *Swept) (moved time.Time, err error) {
	now := s.Now()
	moved = im.Created
	for from := 0; from < im.Chunks; from += chunksAtOnce {
		chunks, err := s.Imports.ChunksOf(ctx, im.ID, from, chunksAtOnce)
		if err != nil {
			return moved, err
		}
		for _, c := range chunks {
			if c.Changed.After(moved) {
				moved = c.Changed
			}
			if c.Done || now.Sub(c.Changed) < s.Patience {
				continue
			}
			c.Sent++
			done.Asked++
			if err := s.Messages.Work(ctx, c); err != nil {
				return moved, err
			}
		}
	}
	return moved, nil
}

func (s Sweeper) uploads(ctx context.Context, done *Swept) error {
	return errors.Join(s.folder(ctx, ordersFolder, done), s.folder(ctx, catalogueFolder, done))
}

// folder plans a folder's uploads that nobody has planned in time.
func (s Sweeper) folder(ctx context.Context, folder string, done *Swept) error {
	var failed []error
	for after := ""; ; {
		files, next, err := s.Uploads.List(ctx, folder, after, sweepPage)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, f := range files {
			if _, ok := KindOf(f.Name); !ok || s.Now().Sub(f.Created) < s.Grace {
				continue
			}
			done.Planned++
			failed = append(failed, s.Plan(ctx, f))
		}
		if after = next; after == "" {
			return errors.Join(failed...)
		}
	}
}
