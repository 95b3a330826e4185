package rows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// exponents are the decimals of currencies that do not have two (ISO 4217).
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
	"UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

func decimals(currency string) int {
	if n, ok := exponents[currency]; ok {
		return n
	}
	return 2
}

// maxPrice keeps every sum far from overflow: 10^15 minor units.
const maxPrice = 1_000_000_000_000_000

var errNoPrice = errors.New("it must be digits, with a point before decimals, as 2.55")

// minorUnits is a price in minor units: 2.55 with two decimals is 255.
func minorUnits(price string, decimals int) (int64, error) {
	whole, part, point := strings.Cut(price, ".")
	switch {
	case strings.HasPrefix(price, "-"):
		return 0, errors.New("it must not be negative")
	case !digits(whole) || point && !digits(part):
		return 0, errNoPrice
	case len(part) > decimals:
		return 0, fmt.Errorf("its currency has %s", counted(int64(decimals), "decimal"))
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", decimals-len(part)), 10, 64)
	if err != nil || n > maxPrice {
		return 0, errors.New("it is more than we take")
	}
	return n, nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
