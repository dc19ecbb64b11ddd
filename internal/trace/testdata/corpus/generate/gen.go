// Traces of Go, each between two marks; see record.py.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

var (
	style = os.Getenv("TRACE_STYLE")
	rng   = rand.New(rand.NewSource(7))
)

func mark(word, name string) {
	info, _ := os.Stat(os.Getenv("TRACE_LOG"))
	f, _ := os.OpenFile(os.Getenv("TRACE_MARKS"), os.O_APPEND|os.O_WRONLY, 0)
	fmt.Fprintln(f, word, info.Size(), name)
	f.Close()
}

func calm(harsh bool) {
	lines := []string{"GET /items/%d 200 in %d ms", "cache filled: %d keys at %d", "no error in %d files of %d", "worker %d ready after %d ms"}
	for range 1 + rng.Intn(3) {
		slog.Info(fmt.Sprintf(lines[rng.Intn(4)], rng.Intn(900), rng.Intn(900)))
	}
	if harsh && rng.Intn(10) < 4 {
		slog.Error("payment failed", "err", errors.New("card declined"))
		slog.Info("carry on")
	}
}

type shop struct{ items map[string]int }

func (s *shop) add(name string) { s.items[name]++ }

type namedError struct{ code int }

func (e namedError) Error() string { return fmt.Sprintf("named error %d", e.code) }

type generic[T any] struct{ list []T }

func (g generic[T]) at(i int) T { return g.list[i] }

//go:noinline
func deep(n int, f func()) {
	if n == 0 {
		f()
		return
	}
	deep(n-1, f)
}

func again() {
	defer func() {
		if r := recover(); r != nil {
			panic(fmt.Sprint("again: ", r))
		}
	}()
	panic("first")
}

var kinds = map[string]func(){
	"plain":    func() { panic("bad value") },
	"error":    func() { panic(errors.New("an error")) },
	"named":    func() { panic(namedError{3}) },
	"number":   func() { panic(42) },
	"pointer":  func() { panic(&shop{}) },
	"lines":    func() { panic("first\nsecond line\n\tindented: yes") },
	"blank":    func() { panic(errors.New("first\n\nafter a blank line")) },
	"tongue":   func() { panic("größer 数 🚚") },
	"long":     func() { panic(strings.Repeat("x", 3000)) },
	"nil":      func() { var p *shop; p.items = nil },
	"map":      func() { new(shop).add("pear") },
	"index":    func() { _ = []int{1, 2}[rng.Intn(2)+7] },
	"slice":    func() { n := 9 + rng.Intn(2); _ = []int{1}[:n] },
	"division": func() { zero := rng.Intn(1); _ = 1 / zero },
	"cast":     func() { var a any = "x"; _ = a.(int) },
	"closed":   func() { c := make(chan int); close(c); c <- 1 },
	"repanic":  again,
	"nested":   func() { defer func() { panic("in a deferred call") }(); panic("first") },
	"generic":  func() { generic[string]{}.at(2) },
	"wrapped":  func() { panic(fmt.Errorf("load: %w", os.ErrNotExist)) },
	"goexit":   func() { defer panic("while leaving"); panic(context.Canceled) },
}

var ends = map[string]func(){
	"deadlock": func() { select {} },
	"maps": func() {
		m := map[int]int{}
		for range 8 {
			go func() {
				for {
					m[1]++
				}
			}()
		}
		time.Sleep(time.Minute)
	},
	"unlock":   func() { new(sync.Mutex).Unlock() },
	"overflow": func() { var f func(int) int; f = func(n int) int { return f(n+1) + 1 }; f(0) },
	"fault":    func() { debug.SetPanicOnFault(false); *(*int)(unsafe.Pointer(uintptr(0xdead000))) = 1 },
	"quit":     func() { syscall.Kill(os.Getpid(), syscall.SIGQUIT); time.Sleep(time.Minute) },
	"segv":     func() { syscall.Kill(os.Getpid(), syscall.SIGABRT); time.Sleep(time.Minute) },
	"thousand": func() {
		debug.SetTraceback("all")
		for range 1000 {
			go func() { time.Sleep(time.Hour) }()
		}
		time.Sleep(100 * time.Millisecond)
		panic("a thousand")
	},
	"several": func() {
		debug.SetTraceback("all")
		for i := range 5 {
			go func() { deep(i, func() { select {} }) }()
		}
		time.Sleep(20 * time.Millisecond)
		kinds["map"]()
	},
	"system":    func() { debug.SetTraceback("system"); kinds["nil"]() },
	"crash":     func() { debug.SetTraceback("single"); kinds["index"]() },
	"goroutine": func() { go deep(2, kinds["nil"]); time.Sleep(time.Minute) },
	"method":    func() { go new(shop).add("x"); time.Sleep(time.Minute) },
}

func emit(emitter string, f func()) {
	if emitter == "http" {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { f() }))
		http.Get(server.URL)
		server.Close()
		return
	}
	defer func() {
		r := recover()
		switch emitter {
		case "slog":
			slog.Error("recovered", "panic", r, "stack", string(debug.Stack()))
		case "logged":
			log.Printf("ERROR recovered: %v\n%s", r, debug.Stack())
		case "printed":
			debug.PrintStack()
		case "behind":
			log.Printf("panic: %v %s", r, debug.Stack())
		}
	}()
	deep(rng.Intn(5), f)
}

func number(text string) (n int) {
	for i, c := range text {
		n += int(c) * (i + 3)
	}
	return n
}

func list() {
	used := map[string][]string{"log": {"http", "logged", "printed"}, "slog": {"slog", "http", "behind"}, "json": {"slog"}}[style]
	for _, e := range used {
		for k := range kinds {
			if e == used[0] || number(style+e+k)%3 == 0 {
				fmt.Println(e + "-" + k)
			}
		}
	}
	for k := range kinds {
		if number(style+k)%2 == 0 {
			fmt.Println("die-" + k)
		}
	}
	for k := range ends {
		if style == "log" || number(style+k)%3 == 0 && k != "thousand" {
			fmt.Println("die-" + k)
		}
	}
}

func main() {
	switch style {
	case "slog":
		slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	case "json":
		slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	}
	if os.Args[1] == "list" {
		list()
		return
	}
	for _, name := range os.Args[1:] {
		emitter, kind, _ := strings.Cut(name, "-")
		calm(false)
		slog.Info("now " + emitter + " " + kind)
		mark("begin", name)
		if emitter == "die" {
			if f := ends[kind]; f != nil {
				f()
			}
			deep(rng.Intn(4), kinds[kind])
		}
		emit(emitter, kinds[kind])
		mark("end", "")
		calm(true)
		slog.Info("behind")
	}
}
