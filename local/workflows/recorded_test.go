package workflows

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"orderflow.dev/local/workflows/expr"
)

func TestARecordedValueReadsBackTheSame(t *testing.T) {
	t.Parallel()
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		kinds := []*rapid.Generator[any]{
			rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(),
			rapid.SampledFrom([]any{math.Inf(1), math.NaN(), 1.0, 1e300, "", math.Copysign(0, -1)}),
			rapid.Custom(func(t *rapid.T) any { return expr.Bytes(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) }),
			rapid.Custom(func(t *rapid.T) any { return expr.Func{Name: rapid.String().Draw(t, "name")} }),
		}
		if depth > 0 {
			key := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "value"}))
			kinds = append(kinds,
				rapid.Custom(func(t *rapid.T) any { return rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "list") }),
				rapid.Custom(func(t *rapid.T) any { return rapid.MapOfN(key, value(depth-1), 0, 4).Draw(t, "map") }))
		}
		return rapid.OneOf(kinds...)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := value(3).Draw(t, "value")
		got, err := decodeValue(encodeValue(v))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}
