package bench

import (
	"fmt"
	"math/rand/v2"
)

// Random is a source of values that no application can guess. It is not safe
// for several goroutines; each boot has its own.
type Random struct {
	*rand.Rand
	ports map[int]bool // given out
}

// NewRandom draws a source from the bench's seed.
func (b *Bench) NewRandom() Random {
	b.mu.Lock()
	defer b.mu.Unlock()
	var seed [32]byte
	_, _ = b.random.Read(seed[:])                                  // never fails
	return Random{rand.New(rand.NewChaCha8(seed)), map[int]bool{}} //nolint:gosec // a seeded run can be repeated
}

const letters = "abcdefghijkmnpqrstuvwxyz23456789"

// Word returns n random lower case letters and digits, a letter first.
func (r Random) Word(n int) string {
	word := make([]byte, n)
	for i := range word {
		word[i] = letters[r.IntN(len(letters))]
	}
	word[0] = letters[r.IntN(24)]
	return string(word)
}

// Nonce returns a text that stands for one request or session: long enough
// that it never appears by chance.
func (r Random) Nonce() string { return r.Word(16) }

// Secret returns a value for a secret: 32 characters.
func (r Random) Secret() string { return r.Word(32) }

// Port returns a port above the registered services and below the ephemeral
// ones, another one each time.
func (r Random) Port() int {
	for {
		if port := 10000 + r.IntN(20000); !r.ports[port] {
			r.ports[port] = true
			return port
		}
	}
}

// Address returns an address of 10.0.0.0/8.
func (r Random) Address() string {
	return fmt.Sprintf("10.%d.%d.%d", 1+r.IntN(250), r.IntN(250), 2+r.IntN(250))
}

// Pick returns one of the choices.
func Pick[T any](r Random, choices ...T) T { return choices[r.IntN(len(choices))] }
