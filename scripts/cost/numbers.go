package main

import (
	"fmt"
	"math/big"
)

var gib = big.NewRat(1<<30, 1)

func rat(n int64) *big.Rat { return big.NewRat(n, 1) }

func product(factors ...*big.Rat) *big.Rat {
	p := rat(1)
	for _, f := range factors {
		p.Mul(p, f)
	}
	return p
}

func sum(terms ...*big.Rat) *big.Rat {
	s := new(big.Rat)
	for _, t := range terms {
		s.Add(s, t)
	}
	return s
}

func quotient(a, b *big.Rat) *big.Rat {
	if b.Sign() == 0 { // a missing key, which the book reports
		return new(big.Rat)
	}
	return new(big.Rat).Quo(a, b)
}

func larger(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

func usd(cents int64) string {
	return fmt.Sprintf("%s.%02d", grouped(fmt.Sprint(cents/100)), cents%100)
}

// grouped writes 1234567 as 1,234,567.
func grouped(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
