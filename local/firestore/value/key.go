package value

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// A key is a value's kind and what sorts within the kind. No key is the beginning of another one: what has no fixed
// length ends in a byte, or bytes, that sort before whatever could go on instead. So keys can stand one behind the
// other, and with all bits turned over they sort the other way round.
const (
	end       = 0x00 // of an array, a map, a name; a string's is end, terminate
	terminate = 0x01
	escaped   = 0xff // end, escaped: a zero byte within a string
	entry     = 0x01 // of a map
	numeric   = 0x01 // segment of a name
	textual   = 0x02 // segment of a name
)

// AppendKey appends a value as bytes that sort as values do (bytes.Compare), whatever is appended behind it;
// descending, they sort the other way round. Equal values have equal keys.
func AppendKey(key []byte, v *pb.Value, descending bool) []byte {
	return directed(len(key), appendValue(key, v), descending)
}

// AppendName appends a document's path as bytes that sort as __name__ does: segment by segment.
func AppendName(key []byte, path string, descending bool) []byte {
	return directed(len(key), appendName(key, path), descending)
}

// AppendKind appends what the keys of a kind's values begin with, and no others.
func AppendKind(key []byte, k Kind, descending bool) []byte {
	return directed(len(key), append(key, byte(k)), descending)
}

func directed(start int, key []byte, descending bool) []byte {
	if descending {
		for i := start; i < len(key); i++ {
			key[i] = ^key[i]
		}
	}
	return key
}

func appendValue(key []byte, v *pb.Value) []byte {
	kind := KindOf(v)
	key = append(key, byte(kind))
	switch kind {
	case Boolean:
		if v.GetBooleanValue() {
			return append(key, 1)
		}
		return append(key, 0)
	case Number:
		floor, rest := split(v) // rest is at most 1023: where integers are, doubles are no further apart than 1024
		return binary.BigEndian.AppendUint16(appendDouble(key, floor), uint16(rest))
	case Timestamp:
		t := v.GetTimestampValue()
		return appendInteger(appendInteger(key, t.GetSeconds()), int64(t.GetNanos()))
	case String:
		return appendText(key, v.GetStringValue())
	case Bytes:
		return appendText(key, string(v.GetBytesValue()))
	case Reference:
		return appendName(key, v.GetReferenceValue())
	case GeoPoint:
		return appendDouble(appendDouble(key, v.GetGeoPointValue().GetLatitude()), v.GetGeoPointValue().GetLongitude())
	case Array:
		return appendElements(key, elements(v))
	case Vector:
		return appendElements(appendInteger(key, int64(len(elements(v)))), elements(v))
	case Map:
		return appendFields(key, v.GetMapValue().GetFields())
	}
	return key // null, NaN
}

func appendElements(key []byte, values []*pb.Value) []byte {
	for _, v := range values {
		key = appendValue(key, v)
	}
	return append(key, end)
}

func appendFields(key []byte, fields map[string]*pb.Value) []byte {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		key = appendValue(appendText(append(key, entry), name), fields[name])
	}
	return append(key, end)
}

func appendName(key []byte, path string) []byte {
	for segment := range strings.SplitSeq(path, "/") {
		if id, ok := numericID(segment); ok {
			key = appendInteger(append(key, numeric), id)
		} else {
			key = appendText(append(key, textual), segment)
		}
	}
	return append(key, end)
}

func appendText(key []byte, s string) []byte {
	for {
		zero := strings.IndexByte(s, 0)
		if zero < 0 {
			return append(append(key, s...), end, terminate)
		}
		key = append(append(key, s[:zero]...), end, escaped)
		s = s[zero+1:]
	}
}

func appendInteger(key []byte, i int64) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(i)^1<<63)
}

// appendDouble turns the bits of a double so that they sort: the sign bit of one that is not negative, all bits of a
// negative one. Zero is the same with either sign; NaN comes before all.
func appendDouble(key []byte, d float64) []byte {
	bits := math.Float64bits(d)
	switch {
	case math.IsNaN(d):
		bits = 0
	case d < 0:
		bits = ^bits
	default:
		bits |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(key, bits)
}
