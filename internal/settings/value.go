package settings

import (
	"cmp"
	"errors"
	"reflect"
	"strings"
)

// value is what a source gave for a setting, before it has a type.
type value struct {
	text   string
	items  []string // of a list in a file
	list   bool
	origin Origin
}

// empty tells whether the source gave nothing to speak of.
func (v value) empty() bool { return !v.list && strings.TrimSpace(v.text) == "" }

var errRange = errors.New("out of range")

// assign puts a value into the field's place; where it fails, the place keeps
// what it held.
func (f *field) assign(v value) error {
	fresh := reflect.New(f.place.Type()).Elem()
	if err := f.fill(fresh, v); err != nil {
		return err
	}
	if err := f.inBounds(fresh); err != nil {
		return err
	}
	f.place.Set(fresh)
	return nil
}

func (f *field) fill(fresh reflect.Value, v value) error {
	if !f.kind.list {
		if v.list {
			return errForm
		}
		text := v.text
		if fresh.Kind() != reflect.String {
			text = strings.TrimSpace(text)
		}
		return f.kind.set(fresh, text)
	}
	items := v.items
	if !v.list {
		items = split(v.text)
	}
	for _, item := range items {
		one := reflect.New(fresh.Type().Elem()).Elem()
		if err := f.kind.item.set(one, item); err != nil {
			return err
		}
		fresh.Set(reflect.Append(fresh, one))
	}
	return nil
}

// split cuts a list as people write it into a variable.
func split(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// bounds reads the tags min and max.
func (f *field) bounds() (low, high reflect.Value, err error) {
	low, high = reflect.New(f.place.Type()).Elem(), reflect.New(f.place.Type()).Elem()
	if f.low == nil && f.high == nil {
		return low, high, nil
	}
	if !low.CanInt() && !low.CanUint() && !low.CanFloat() {
		return low, high, errors.New("the tags min and max are for numbers, durations and sizes")
	}
	if f.low != nil {
		err = f.kind.set(low, *f.low)
	}
	if f.high != nil {
		err = errors.Join(err, f.kind.set(high, *f.high))
	}
	return low, high, err
}

func (f *field) inBounds(v reflect.Value) error {
	low, high, err := f.bounds()
	if err == nil && (f.low != nil && compare(v, low) < 0 || f.high != nil && compare(v, high) > 0) {
		err = errRange
	}
	return err
}

func compare(a, b reflect.Value) int {
	switch {
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	}
	return cmp.Compare(a.Float(), b.Float())
}
