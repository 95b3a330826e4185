package storage

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// preconditions are the numbers that an object must have, or must not have, by kind.
type preconditions map[string]int64

const notMatch = "NotMatch"

var preconditionKinds = []string{"GenerationMatch", "Generation" + notMatch, "MetagenerationMatch", "Metageneration" + notMatch}

// preconditionsOf reads parameters whose names begin with prefix: ifGenerationMatch, ifSourceGenerationMatch.
func preconditionsOf(q url.Values, prefix string) (preconditions, error) {
	p := preconditions{}
	for _, kind := range preconditionKinds {
		if !q.Has(prefix + kind) {
			continue
		}
		n, err := strconv.ParseInt(q.Get(prefix+kind), 10, 64)
		if err != nil {
			return nil, invalid("%s%s is %q, want a number", prefix, kind, q.Get(prefix+kind))
		}
		p[kind] = n
	}
	return p, nil
}

// parameters are the names of preconditions that begin with a prefix.
func parameters(prefix string) (names []string) {
	for _, kind := range preconditionKinds {
		names = append(names, prefix+kind)
	}
	return names
}

// check holds an object to its preconditions; where there is none, both its numbers are 0. A read of an object that is
// what it must not be is answered with another status.
func (p preconditions) check(o *object, notMatchStatus int) error {
	var generation, metageneration int64
	if o != nil {
		generation, metageneration = o.Generation, o.Metageneration
	}
	for kind, want := range p {
		is, differs := generation, strings.HasSuffix(kind, notMatch)
		if strings.HasPrefix(kind, "Meta") {
			is = metageneration
		}
		if (is == want) != differs {
			continue
		}
		f := &failure{http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold: " +
			kind + " " + strconv.FormatInt(want, 10) + ", it is " + strconv.FormatInt(is, 10) + "."}
		if differs {
			f.status = notMatchStatus
		}
		return f
	}
	return nil
}
