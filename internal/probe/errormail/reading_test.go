package errormail

import (
	"slices"
	"testing"
)

func TestCounts(t *testing.T) {
	for text, want := range map[string][]int{
		"299 more errors since 2026-11-23T07:04:27Z.":         {299},
		"Since the start: 300 errors in total":                {300},
		"[guestbook] ValueError (x 41)":                       {41},
		"ValueError ×41":                                      {41},
		"this happened 312 times":                             {312},
		"Occurrences: 1,204":                                  {1204},
		"suppressed 17 in the last minute":                    {17},
		"1 error so far":                                      nil,
		"count = 17":                                          {17},
		"exceptions: 17":                                      {17},
		"This is error number 17 since the start.":            nil,
		"  File \"/app/web.py\", line 300, in answer":         nil,
		"main.(*app).route(0xc0000b4000, {0x781930, 0x4})":    nil,
		"Date: Mon, 23 Nov 2026 07:04:27 +0000":               nil,
		"GET /fault?q=n 500 in 12 ms on worker 7 of web-3":    nil,
		"the ink has run out at GET /fault, process 41 of 50": nil,
	} {
		m := Mail{}
		for _, form := range counted {
			m.Counts = append(m.Counts, form.FindAllString(text, -1)...)
		}
		got := m.numbers()
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
