package document

import (
	"testing"

	"github.com/goccy/go-yaml/token"
)

func TestAPanicOfTheLibraryIsAFault(t *testing.T) {
	for name, r := range map[string]*reader{
		"lexer": {lex: func(string) token.Tokens { panic("odd input") }},
		"walk":  {lex: func(string) token.Tokens { return token.Tokens{nil} }},
	} {
		r.limits = Limits{Bytes: 100, Values: 100}
		root := r.read([]byte("a: 1"))
		if root != nil || len(r.faults) != 1 || r.faults[0].Kind != NotYAML || r.faults[0].Fix == "" || r.faults[0].At != (Place{1, 1}) {
			t.Errorf("%s: got %v, %+v", name, root, r.faults)
		}
	}
}
