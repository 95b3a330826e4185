package query

import (
	"cmp"
	"math"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

// Limits of a vector search (https://firebase.google.com/docs/firestore/vector-search#limitations).
const (
	maxNeighbours = 1000
	maxDimensions = 2048
)

// nearest is a vector search (find_nearest): of what the rest of the query finds, the documents whose vectors are next to
// one. It compares with all of them.
type nearest struct {
	path      value.Path
	vector    []float64
	distance  func(a, b []float64) float64
	greater   bool // the greater the distance, the nearer: it is a dot product
	limit     int
	threshold *float64   // nothing that is further away
	result    value.Path // the field that has the distance in the result; nil: none
}

func parseNearest(f *pb.StructuredQuery_FindNearest) (*nearest, error) {
	if f == nil {
		return nil, nil
	}
	n := &nearest{limit: int(f.GetLimit().GetValue())}
	if n.limit < 1 || n.limit > maxNeighbours {
		return nil, invalid("the limit of find_nearest is %d: it must be 1 to %d", n.limit, maxNeighbours)
	}
	if n.vector = vectorOf(f.GetQueryVector()); len(n.vector) == 0 || len(n.vector) > maxDimensions {
		return nil, invalid("the query_vector of find_nearest has %d dimensions: it must be a vector of 1 to %d",
			len(n.vector), maxDimensions)
	}
	switch f.GetDistanceMeasure() {
	case pb.StructuredQuery_FindNearest_EUCLIDEAN:
		n.distance = euclidean
	case pb.StructuredQuery_FindNearest_COSINE:
		n.distance = cosine
	case pb.StructuredQuery_FindNearest_DOT_PRODUCT:
		n.distance, n.greater = dot, true
	default:
		return nil, invalid("the distance_measure of find_nearest is %v: it must be EUCLIDEAN, COSINE or DOT_PRODUCT",
			f.GetDistanceMeasure())
	}
	if t := f.GetDistanceThreshold(); t != nil {
		n.threshold = &t.Value
	}
	return n, n.parsePaths(f)
}

func (n *nearest) parsePaths(f *pb.StructuredQuery_FindNearest) (err error) {
	if n.path, err = parsePath(f.GetVectorField()); err == nil && isName(n.path) {
		err = invalid("%s is no vector: find_nearest needs another field", name)
	}
	if err == nil && f.GetDistanceResultField() != "" {
		n.result, err = parsePath(&pb.StructuredQuery_FieldReference{FieldPath: f.GetDistanceResultField()})
	}
	return err
}

// vectorOf are the dimensions of a value; none if it is no vector.
func vectorOf(v *pb.Value) (dimensions []float64) {
	if value.KindOf(v) != value.Vector {
		return nil
	}
	for _, d := range v.GetMapValue().GetFields()["value"].GetArrayValue().GetValues() {
		number, ok := d.GetValueType().(*pb.Value_DoubleValue)
		if !ok {
			return nil
		}
		dimensions = append(dimensions, number.DoubleValue)
	}
	return dimensions
}

// to is how far away a document is. It is not ok for one that has no vector of so many dimensions, or one of length 0
// where angles are compared.
func (n *nearest) to(d *database.Document) (distance float64, ok bool) {
	v := vectorOf(n.path.Get(d.Fields()))
	if len(v) != len(n.vector) {
		return 0, false
	}
	distance = n.distance(v, n.vector)
	return distance, !math.IsNaN(distance)
}

// among are the nearest of some documents, the nearest first.
func (n *nearest) among(found []*database.Document) []*database.Document {
	type neighbour struct {
		*database.Document
		rank float64 // the less, the nearer
	}
	var all []neighbour
	sign := 1.0
	if n.greater {
		sign = -1
	}
	for _, d := range found {
		if distance, ok := n.to(d); ok && (n.threshold == nil || sign*distance <= sign**n.threshold) {
			all = append(all, neighbour{d, sign * distance})
		}
	}
	slices.SortStableFunc(all, func(a, b neighbour) int { return cmp.Compare(a.rank, b.rank) })
	var result []*database.Document
	for _, d := range all[:min(len(all), n.limit)] {
		result = append(result, d.Document)
	}
	return result
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func euclidean(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum)
}

func cosine(a, b []float64) float64 { return 1 - dot(a, b)/math.Sqrt(dot(a, a)*dot(b, b)) }

// Search says whether the query is a vector search, which cannot be listened to and needs an index for vectors.
func (q *Query) Search() bool { return q.nearest != nil }
