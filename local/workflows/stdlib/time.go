package stdlib

import (
	"math"
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"github.com/google/uuid"
)

func init() {
	typed("time.format", With(Params("seconds"), "timezone", ""), timeFormat)
	typed("time.parse", Params("value"), func(r *reader) (any, error) {
		t, err := time.Parse(time.RFC3339Nano, r.str(0))
		if err != nil {
			return nil, valueError("time.parse: %v", err)
		}
		return Seconds(t), nil
	})
	register("uuid.generate", nil, func([]any) (any, error) { return uuid.NewString(), nil })
}

// Seconds gives a time as the library does: seconds since 1970 as a double, as
// exact as a double holds it, which today is a quarter of a microsecond.
func Seconds(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

// maxSeconds is the end of year 9999, beyond which RFC 3339 has no text.
const maxSeconds = 253402300799

// iso8601 is how the service writes times, microseconds always included
// (reference: time.format).
const iso8601 = "2006-01-02T15:04:05.000000Z07:00"

// timeFormat takes no zone as UTC, which is what LoadLocation does with "".
func timeFormat(r *reader) (any, error) {
	seconds, zone := r.double(0), r.str(1)
	if r.err != nil {
		return nil, r.err
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return nil, valueError("time.format: unknown time zone %q", zone)
	}
	if !(math.Abs(seconds) <= maxSeconds) {
		return nil, valueError("time.format: seconds are out of range")
	}
	return time.UnixMicro(int64(math.Round(seconds * 1e6))).In(loc).Format(iso8601), nil
}
