package settings

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ByteSize is a number of bytes. As text it is a number with a unit: B; kB, MB,
// GB, TB (powers of 1000); KiB, MiB, GiB, TiB and the short K, M, G, T (powers
// of 1024). Without a unit it counts bytes.
type ByteSize int64

type unit struct {
	name  string
	bytes float64
}

func units() []unit { // longer names first, since they end like the short ones
	return []unit{
		{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
		{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
		{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"b", 1},
	}
}

var errSize = errors.New("no size")

// UnmarshalText reads a size.
func (b *ByteSize) UnmarshalText(text []byte) error {
	number, factor := strings.ToLower(strings.TrimSpace(string(text))), 1.0
	for _, u := range units() {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, factor = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	if whole, err := strconv.ParseInt(number, 10, 64); err == nil && factor == 1 {
		*b = ByteSize(whole) // exact, where a float would round
	} else {
		f, err := strconv.ParseFloat(number, 64)
		if err != nil || strings.ContainsAny(number, "xpe_in") || math.Abs(f*factor) >= math.MaxInt64 {
			return errSize
		}
		*b = ByteSize(f * factor)
	}
	if *b < 0 {
		return errSize
	}
	return nil
}

// MarshalText returns the size in the largest unit of 1024 that divides it.
func (b ByteSize) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// String returns the size as MarshalText does.
func (b ByteSize) String() string {
	names := []string{"", "KiB", "MiB", "GiB", "TiB"}
	at := 0
	for b != 0 && b%1024 == 0 && at < len(names)-1 {
		b, at = b/1024, at+1
	}
	return fmt.Sprintf("%d%s", int64(b), names[at])
}
